from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.models import Image
from docktasks.errors import RegistryError
from docktasks.images import base_images
from docktasks.images.base_images import age_days
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

NGINX = "nginx:stable-alpine"
OLD = Image("sha256:a", tags=(NGINX,), created="2026-10-01T00:00:00Z", digests=("nginx@sha256:1",))
NEWER = {NGINX: "sha256:2", "nginx@sha256:1": "sha256:1"}
"""A registry that has another image now, and still knows the old one."""
PULL = f"docker image pull {NGINX}"


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every day is 28 November 2026."""
    monkeypatch.setattr(base_images, "age_days", lambda built: age_days(built, date(2026, 11, 28)))


def resolved(
    settings: Settings,
    registry: Mapping[str, str | RegistryError],
    image: Image = OLD,
    *,
    answer: Result | None = None,
    dry: bool = False,
) -> tuple[str, list[str]]:
    """The notice about a local base image, and the commands. The registry has these digests, or these errors."""
    engine = FakeEngine(images={NGINX: image})
    engine.registry = dict(registry)
    run = Runner(engine, {PULL: answer or Result()}, dry=dry)
    base = base_images.resolve(Project(run, engine, settings), "nginx")
    assert base.reference == NGINX
    return base.notice, run.lines


def test_old_image_is_replaced_by_a_newer_one_of_its_registry(settings: Settings) -> None:
    """One line says so."""
    notice, commands = resolved(settings, NEWER)
    assert commands == [PULL]
    assert notice == f"{NGINX} was 58 days old, so a newer one was pulled."


@pytest.mark.parametrize("image", [OLD, replace(OLD, digests=("mirror/nginx@sha256:9", "nginx@sha256:2"))])
def test_newest_image_stays(settings: Settings, image: Image) -> None:
    """Nothing is pulled, and there is nothing to say."""
    newest = image.digests[-1].partition("@")[2]
    assert resolved(settings, NEWER | {NGINX: newest}, image) == ("", [])


@pytest.mark.parametrize(
    ("max_age", "created", "dry"),
    [
        ("0", OLD.created, False), ("58", OLD.created, False), ("57", OLD.created, True), ("30", "", False),
        ("30", "0001-01-01T00:00:00Z", False), ("30", "N/A", False),
    ],
)  # fmt: skip
def test_only_an_old_image_is_asked_for(settings: Settings, max_age: str, created: str, *, dry: bool) -> None:
    """0 never asks, and a dry run neither. An image whose age is not known counts as new."""
    settings = configured(settings.root, bases_max_age=max_age)
    image = replace(OLD, created=created)
    assert resolved(settings, NEWER, image, dry=dry) == ("", [])


def test_image_without_a_digest_stays(settings: Settings) -> None:
    """It was made by hand."""
    assert resolved(settings, NEWER, replace(OLD, digests=())) == ("", [])
    other_name = replace(OLD, digests=("mine/nginx@sha256:1",))
    assert resolved(settings, NEWER | {"mine/nginx@sha256:1": "sha256:1"}, other_name) == ("", [])


def test_image_that_its_registry_does_not_know_stays(settings: Settings) -> None:
    """In containerd's store an image that was built here has a digest, too."""
    notice, commands = resolved(settings, {NGINX: "sha256:2"})
    assert commands == []
    assert notice == (
        f"{NGINX} is 58 days old, and its registry does not have it. It stays, because it may have been made by hand."
    )


def test_build_goes_on_without_an_answer(settings: Settings) -> None:
    """The reason and the way to ask no more are in one line."""
    notice, commands = resolved(settings, {NGINX: RegistryError("the registry does not answer within 5 s")})
    assert commands == []
    assert notice == (
        f"{NGINX} is 58 days old, and was not refreshed: the registry does not answer within 5 s. "
        "To ask no registry: INVOKE_BASES_MAX_AGE=0"
    )


def test_build_goes_on_when_the_pull_fails(settings: Settings) -> None:
    """Such as at the registry's rate limit."""
    limit = Result(1, "stable-alpine: Pulling from library/nginx\ntoomanyrequests: You have reached your limit")
    notice, commands = resolved(settings, NEWER, answer=limit)
    assert commands == [PULL]
    assert notice.endswith("and was not refreshed: toomanyrequests: You have reached your limit")


def test_image_named_by_its_digest_stays(settings: Settings) -> None:
    """A user chose these very bytes."""
    digest = f"nginx@sha256:{'1' * 64}"
    engine = FakeEngine(images={digest: replace(OLD, tags=(digest,))})
    settings = configured(settings.root, bases_nginx_image=digest)
    run = Runner(engine)
    assert base_images.resolve(Project(run, engine, settings), "nginx").notice == ""
    assert run.lines == []
