"""bases.lock: what it pins, what changes it, and what a broken one says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.models import Image
from docktasks.errors import BaseImageError, RegistryError
from docktasks.images import base_images, bases_lock, build
from docktasks.images.references import split_digest
from docktasks.images.registry import Manifests, manifests
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

INDEX, AMD, ARM, NEWER = (f"sha256:{letter * 64}" for letter in "abcd")
INSPECT = "docker buildx imagetools inspect --format '{{json .Manifest}}' "
NGINX, NODE = "nginx:stable-alpine", "node:lts-alpine"


def platform_entry(architecture: str, digest: str, os: str = "linux", **values: str) -> dict[str, object]:
    """Return an entry of an index."""
    return {"digest": digest, "platform": {"architecture": architecture, "os": os, **values}}


def index(*entries: dict[str, object], digest: str = INDEX) -> Result:
    """Return what buildx prints of an index, with a warning after it."""
    return Result(0, f"{json.dumps({'digest': digest, 'manifests': [*entries]}, indent=2)}\nWARNING: old\n")


def registry(nginx: Result) -> Runner:
    """Return a runner whose registry has nginx for some platforms, and node."""
    return Runner(answers={f"{INSPECT}{NGINX}": nginx, f"{INSPECT}{NODE}": index(platform_entry("amd64", AMD))})


def test_digest_of_each_platform_is_asked_for() -> None:
    """Attestations are no platform, and a variant is a part of its name unless every arm64 has it."""
    entries = [
        platform_entry("amd64", AMD), platform_entry("arm64", ARM, variant="v8"),
        platform_entry("arm", NEWER, variant="v7"), platform_entry("unknown", NEWER, os="unknown"),
    ]  # fmt: skip
    platforms = {"linux/amd64": AMD, "linux/arm/v7": NEWER, "linux/arm64": ARM}
    assert manifests(registry(index(*entries)), NGINX) == Manifests(INDEX, platforms)


def test_image_without_an_index_has_one_platform() -> None:
    """Its configuration names it."""
    image = Result(0, json.dumps({"os": "linux", "architecture": "arm64"}))
    answers = {f"{INSPECT}{NGINX}": Result(0, json.dumps({"digest": ARM})), INSPECT.replace("Manifest", "Image"): image}
    assert manifests(Runner(answers=answers), NGINX).platforms == {"linux/arm64": ARM}


@pytest.mark.parametrize(
    "answer",
    [Result(1, "ERROR: nginx: not found\n"), Result(0, "no JSON"), Result(0, "[]"), Result(0, '{"digest": "1"}')],
)
def test_other_answer_is_an_error(answer: Result) -> None:
    """No digest is made up."""
    with pytest.raises(RegistryError):
        manifests(registry(answer), NGINX)


def test_update_writes_the_lock_and_says_what_changed(settings: Settings) -> None:
    """The second update names each platform whose image is another one now."""
    assert bases_lock.update(Project(registry(index(platform_entry("amd64", AMD))), FakeEngine(), settings))[
        -1
    ].endswith(f"none -> {AMD[:19]}")
    locked = bases_lock.read(settings)[NGINX]
    assert (locked.digest, locked.platforms, locked.age_days) == (INDEX, {"linux/amd64": AMD}, 0)
    assert bases_lock.pinned(settings, "docker.io/library/nginx:stable-alpine") == f"{NGINX}@{INDEX}"
    lines = bases_lock.update(
        Project(registry(index(platform_entry("amd64", ARM), digest=NEWER)), FakeEngine(), settings)
    )
    assert lines[0].startswith(f"{NODE}: as on {date.today()}")  # noqa: DTZ011
    assert lines[2] == f"  linux/amd64: {AMD[:19]} -> {ARM[:19]}"
    assert base_images.configured_image(settings, "nginx") == f"{NGINX}@{NEWER}"
    standins = replace(settings, bases=replace(settings.bases, source="standin"))
    assert base_images.configured_image(standins, "nginx") == NGINX


def test_registry_that_does_not_answer_leaves_the_lock(settings: Settings) -> None:
    """Also where it gave the first of the two images."""
    bases_lock.update(Project(registry(index(platform_entry("amd64", AMD))), FakeEngine(), settings))
    before = bases_lock.path_of(settings).read_bytes()
    with pytest.raises(BaseImageError, match=f"digests of {NGINX}"):
        bases_lock.update(Project(registry(Result(1, "ERROR: dial tcp: connection refused")), FakeEngine(), settings))
    assert bases_lock.path_of(settings).read_bytes() == before


def test_image_that_the_lock_does_not_have_is_refused(settings: Settings) -> None:
    """What is not pinned could be another image tomorrow. A digest in the name is a pin of its own."""
    bases_lock.update(Project(registry(index(platform_entry("amd64", AMD))), FakeEngine(), settings))
    with pytest.raises(BaseImageError, match="does not have nginx:1"):
        bases_lock.pinned(settings, "nginx:1")
    assert bases_lock.pinned(settings, f"nginx@{INDEX}") == f"nginx@{INDEX}"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"bases": []}', '{"bases": {"a:1": {"digest": "sha256:1"}}}', "\xff"]
    + [json.dumps({"bases": {"a:1": {"digest": digest, "platforms": {}, "looked_up": day}}})
       for digest, day in (("sha256:1", "2026-01-01"), (INDEX, "yesterday"))]
)  # fmt: skip
def test_broken_lock_is_an_error_until_it_is_written_again(settings: Settings, text: str) -> None:
    """A build does not go on without the pins that somebody wanted."""
    path = bases_lock.path_of(settings)
    path.write_text(text, encoding="latin-1")
    with pytest.raises(BaseImageError, match="cannot be read"):
        bases_lock.pinned(settings, NGINX)
    bases_lock.update(Project(registry(index(platform_entry("amd64", AMD))), FakeEngine(), settings))
    assert bases_lock.pinned(settings, NGINX).endswith(INDEX)


def test_old_lock_is_told(settings: Settings) -> None:
    """After bases.max_age days, as for an image without a lock."""
    bases_lock.update(Project(registry(index(platform_entry("amd64", AMD))), FakeEngine(), settings))
    assert bases_lock.age_notice(settings) == ""
    path, today = bases_lock.path_of(settings), date.today()  # noqa: DTZ011
    path.write_text(path.read_text().replace(str(today), str(today - timedelta(days=40))))
    assert "40 days old" in bases_lock.age_notice(settings)
    assert bases_lock.age_notice(configured(settings.root, bases_max_age="0")) == ""


@pytest.mark.parametrize(
    ("reference", "name", "digest"),
    [(f"{NGINX}@{INDEX}", NGINX, INDEX), (f"nginx@{INDEX}", f"nginx@{INDEX}", INDEX), ("nginx", "nginx:latest", ""),
     (f"harbour.example:5000/nginx@{INDEX}", f"harbour.example:5000/nginx@{INDEX}", INDEX)],
)  # fmt: skip
def test_name_and_digest_of_a_reference(reference: str, name: str, digest: str) -> None:
    """The label of the base's name keeps the tag, because the digest has a label of its own."""
    assert split_digest(reference) == (name, digest)


def test_base_digest_is_that_of_the_reference_or_of_its_registry() -> None:
    """An image that another repository has under a digest has none under this name."""
    image = Image("1", digests=(f"harbour.example/nginx@{AMD}", f"nginx@{INDEX}"))
    assert base_images.base_digest(image, NGINX) == INDEX
    assert base_images.base_digest(image, f"{NGINX}@{NEWER}") == NEWER
    assert base_images.base_digest(image, "hello-dock-base-nginx:1") == ""
    labels = {build.BASE_LABEL: NGINX, build.BASE_DIGEST_LABEL: INDEX}
    engine = FakeEngine(images={f"{NGINX}@{INDEX}": image, NGINX: Image("2")})
    assert build.base_image(engine, labels) == image
    assert build.base_image(engine, {build.BASE_LABEL: NGINX}) == Image("2")
