"""Pushing an image: what is refused before, the order of the tags, and what is said after a failure."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.errors import PushError, SettingsError
from docktasks.release.build import Build
from docktasks.settings import Settings
from docktasks.ship import cosign, names, push, tags
from docktasks.ship.keys import Key
from docktasks.ship.record import Pushed
from docktasks.verify import run as verify_run
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import image
from tests.unit.fakes.runner import Runner

REPOSITORY = "harbour.example/team/app"
PUSHED = Pushed(Build(image("a")), REPOSITORY, ("0a1b2c3d4e5f", "1.0.0", "latest"))


def no_signature(_: Pushed) -> None:
    """Push without --sign."""


class Registry(FakeEngine):
    """An engine whose registry has a digest for some names."""

    def __init__(self, **digests: str) -> None:
        super().__init__()
        self.digests = {f"{REPOSITORY}:{tag}": digest for tag, digest in digests.items()}

    def registry_digest(self, reference: str) -> str:
        """Return the digest of a name."""
        from docker.errors import NotFound

        if reference not in self.digests:
            raise NotFound("manifest unknown")
        return self.digests[reference]


@pytest.mark.parametrize("name", ["app", "127.0.0.1:5000/app", "harbour.example/team/app", "localhost/a_b/c-d.e"])
def test_repository_has_a_registry_and_a_path(name: str) -> None:
    """A port is part of the registry's name, and no tag."""
    assert names.require_repository(name) == name


@pytest.mark.parametrize("name", ["", "app:1", "harbour.example/app@sha256:0", "App", "https://a.example/b", "a//b"])
def test_other_name_is_refused(name: str) -> None:
    """The error says how to name a repository."""
    with pytest.raises(SettingsError) as caught:
        names.require_repository(name)
    assert "--to=" in caught.value.how


def test_tags_are_pushed_in_their_order() -> None:
    """Whatever the order of the flags is, latest comes last."""
    assert names.require_kinds([]) == names.TAGS
    assert names.require_kinds(["latest", "revision"]) == ("revision", "latest")
    with pytest.raises(SettingsError, match="--tag=newest"):
        names.require_kinds(["newest"])


@pytest.mark.parametrize(("revision", "what"), [("", "no git checkout"), (f"{'a' * 40}-dirty", "not committed")])
def test_image_without_a_commit_is_refused(revision: str, what: str) -> None:
    """Nobody could build it again."""
    with pytest.raises(PushError, match=what):
        push._require_commit(revision)  # noqa: SLF001


def test_failed_push_says_what_was_pushed_before(settings: Settings) -> None:
    """The tags after the one that failed are not moved."""
    digests = {"0a1b2c3d4e5f": "sha256:1"}
    refused = Result(1, "unauthorized: authentication required")
    run = Runner(answers={f"docker image push {REPOSITORY}:1.0.0": refused})
    with pytest.raises(PushError) as caught:
        push._push_images(Project(run, Registry(**digests), settings), PUSHED, no_signature)  # noqa: SLF001
    assert caught.value.why == f"Pushed before it: {REPOSITORY}:0a1b2c3d4e5f."
    assert "docker login" in caught.value.how
    assert f"docker image push {REPOSITORY}:latest" not in run.lines


def test_no_tag_but_the_first_means_an_image_that_could_not_be_signed(settings: Settings) -> None:
    """The version and latest still mean the earlier image, which has a signature."""
    run = Runner(answers={"cosign sign": Result(1, "EOF")})
    project = Project(run, Registry(**{"0a1b2c3d4e5f": "sha256:1"}), settings)
    with pytest.raises(PushError, match="@sha256:1 is pushed, but not signed") as caught:
        push._push_images(project, PUSHED, lambda pushed: cosign.sign(project, Key("k"), pushed.image, {}))  # noqa: SLF001
    assert caught.value.why == "`cosign sign` failed. No tag after the first was moved."
    assert [line for line in run.lines if "image push" in line] == [f"docker image push {REPOSITORY}:0a1b2c3d4e5f"]


def test_tag_that_the_registry_loses_is_no_success(settings: Settings) -> None:
    """Without a digest nobody could run what was pushed."""
    with pytest.raises(PushError, match=r"does not have .*:0a1b2c3d4e5f, which it took"):
        push._push_images(Project(Runner(), Registry(), settings), PUSHED, no_signature)  # noqa: SLF001
    engine = Registry(**{"0a1b2c3d4e5f": "sha256:1"})
    with pytest.raises(PushError, match=r"does not have .*:1\.0\.0, which it took") as caught:
        push._push_images(Project(Runner(), engine, settings), PUSHED, no_signature)  # noqa: SLF001
    assert caught.value.why == f"The registry took {REPOSITORY}:0a1b2c3d4e5f, {REPOSITORY}:1.0.0."


def test_failed_checks_name_the_image_that_was_judged(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --image, verify judges the release that runs."""
    failed = SimpleNamespace(passed=False, verdicts=())
    monkeypatch.setattr(verify_run, "verify", lambda *_: failed)
    with pytest.raises(PushError) as caught:
        push._verified(Project(Runner(), FakeEngine(), settings), image("a"))  # noqa: SLF001
    assert caught.value.how.endswith("invoke verify --image=hello-dock:prod --group=image")


def test_tag_that_somebody_moved_meanwhile_is_reported(settings: Settings) -> None:
    """The registry is asked what each tag means after the push."""
    engine = Registry(**{"0a1b2c3d4e5f": "sha256:1", "1.0.0": "sha256:1", "latest": "sha256:2"})
    with pytest.raises(PushError) as caught:
        push._push_images(Project(Runner(), engine, settings), PUSHED, no_signature)  # noqa: SLF001
    assert f"{REPOSITORY}:latest: sha256:2" in caught.value.evidence


def test_immutable_tag_of_another_image_is_refused(settings: Settings) -> None:
    """latest may move. A tag that means this image already is no obstacle."""
    project = Project(Runner(), Registry(**{"1.0.0": "sha256:1", "latest": "sha256:1"}), settings)
    with pytest.raises(PushError, match=r"1\.0\.0 exists"):
        tags.require_unmoved(project, PUSHED)
    same = replace(PUSHED.build.image, digests=(f"{REPOSITORY}@sha256:1",))
    tags.require_unmoved(project, replace(PUSHED, build=Build(same)))
