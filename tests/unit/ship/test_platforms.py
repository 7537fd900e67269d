"""Several platforms: which are chosen, what is refused before a build, and what an index is made of."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.models import Image
from docktasks.errors import BaseImageError, PushError, SettingsError
from docktasks.release.build import Build
from docktasks.settings import Settings
from docktasks.ship import platforms, push, tags
from docktasks.ship.record import Pushed, record_of
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

REPOSITORY = "harbour.example/team/app"
INDEX, AMD, ARM = (f"sha256:{letter * 64}" for letter in "abc")
OWN = Image("1", architecture="amd64", layers=("base", "site"), user="101:101")
OTHER = Image("2", architecture="arm64", layers=("another base", "site"), user="101:101")
PUSHED = Pushed(Build(OWN), REPOSITORY, ("1.0.0", "latest"), images={"linux/amd64": OWN, "linux/arm64": OTHER})
LISTED = [
    {"digest": digest, "platform": {"os": "linux", "architecture": name}}
    for name, digest in (("amd64", AMD), ("arm64", ARM))
]
INSPECT = "docker buildx imagetools inspect"


class Registry(FakeEngine):
    """An engine whose registry has an index, and an image for each platform."""

    def registry_digest(self, reference: str) -> str:
        """Return the digest of a name."""
        return {"amd64": AMD, "arm64": ARM}.get(reference.rpartition("-")[2], INDEX)


def test_flag_comes_before_the_setting(settings: Settings) -> None:
    """Without both, the image is for the engine's own platform."""
    project = Project(Runner(), FakeEngine(), configured(settings.root, build_platforms="linux/arm64 linux/amd64"))
    assert platforms.chosen(project, "") == ("linux/arm64", "linux/amd64")
    assert platforms.chosen(project, "linux/arm/v7,linux/arm/v7") == ("linux/arm/v7",)
    for text in ("arm64", "windows/amd64", "linux/amd64;linux/arm64", "linux/AMD64"):
        with pytest.raises(SettingsError, match="--platforms="):
            platforms.chosen(project, text)


@pytest.mark.parametrize(
    "image",
    [
        replace(OTHER, architecture="amd64"),
        replace(OTHER, layers=("another base", "other site")),
        replace(OTHER, user=""),
    ],
    ids=["architecture", "layer", "user"],
)
def test_image_of_another_platform_has_the_same_site(image: Image) -> None:
    """The gate has tried the image of the engine's own platform only."""
    platforms._require_same(OWN, OTHER, "linux/arm64")  # noqa: SLF001
    with pytest.raises(PushError, match="not the one that passed the gate"):
        platforms._require_same(OWN, image, "linux/arm64")  # noqa: SLF001


def test_base_that_no_registry_has_is_refused(settings: Settings) -> None:
    """A stand-in is for this machine. The error comes before a build."""
    standin = "hello-dock-base-nginx:1.30.6"
    engine = FakeEngine(images={standin: Image("1", tags=(standin,))})
    with pytest.raises(BaseImageError, match="this machine's platform only"):
        platforms.build_each(Project(Runner(), engine, settings), Build(OWN), ("linux/arm64",))


def test_platform_that_the_base_does_not_have_is_refused(settings: Settings) -> None:
    """The error names those that it has."""
    settings = configured(settings.root, bases_nginx_image=f"nginx@{INDEX}")
    engine = FakeEngine(images={f"nginx@{INDEX}": Image("1")})
    run = Runner(answers={INSPECT: Result(0, json.dumps({"digest": INDEX, "manifests": LISTED}))})
    with pytest.raises(PushError, match="for linux/s390x") as caught:
        platforms.build_each(Project(run, engine, settings), Build(OWN), ("linux/arm64", "linux/s390x"))
    assert "linux/amd64, linux/arm64" in caught.value.why
    run = Runner(answers={INSPECT: Result(1, "ERROR: dial tcp: connection refused")})
    with pytest.raises(PushError, match="connection refused"):
        platforms.build_each(Project(run, engine, settings), Build(OWN), ("linux/arm64",))


def test_each_platform_is_pushed_before_the_index(settings: Settings) -> None:
    """The index names the images by their digests, and gets each tag."""
    run = Runner()
    pushed = push._push_images(Project(run, Registry(), settings), PUSHED, lambda _: None)  # noqa: SLF001
    assert [line for line in run.lines if not line.startswith("docker image tag")] == [
        f"docker image push {REPOSITORY}:REVISION-amd64", f"docker image push {REPOSITORY}:REVISION-arm64",
        *(f"docker buildx imagetools create --tag {REPOSITORY}:{tag} {REPOSITORY}@{AMD} {REPOSITORY}@{ARM}"
          for tag in ("1.0.0", "latest")),
    ]  # fmt: skip
    assert pushed.image.reference == f"{REPOSITORY}@{INDEX}"
    assert record_of(pushed, {})["platforms"] == {"linux/amd64": AMD, "linux/arm64": ARM}


def test_platform_that_cannot_be_pushed_leaves_the_tags(settings: Settings) -> None:
    """No tag of the release is moved before all images are in the registry."""
    run = Runner(answers={f"docker image push {REPOSITORY}:REVISION-arm64": Result(1, "EOF")})
    with pytest.raises(PushError, match="arm64 could not be pushed") as caught:
        push._push_images(Project(run, Registry(), settings), PUSHED, lambda _: None)  # noqa: SLF001
    assert caught.value.why == f"Pushed before it: {REPOSITORY}:REVISION-amd64."
    assert "imagetools" not in " ".join(run.lines)
    run = Runner(answers={"docker buildx imagetools create": Result(1, "EOF")})
    with pytest.raises(PushError, match=r"1\.0\.0 could not be pushed") as caught:
        push._push_images(Project(run, Registry(), settings), PUSHED, lambda _: None)  # noqa: SLF001
    assert caught.value.why == f"Pushed before it: {REPOSITORY}:REVISION-amd64, {REPOSITORY}:REVISION-arm64."


def test_immutable_index_of_the_same_images_is_no_obstacle(settings: Settings) -> None:
    """One of other platforms, or with another image, is."""
    same = {name: replace(image, digests=(f"{REPOSITORY}@{digest}",))
            for (name, image), digest in zip(PUSHED.images.items(), (AMD, ARM), strict=True)}  # fmt: skip
    answer = {INSPECT: Result(0, json.dumps({"digest": INDEX, "manifests": LISTED})), "docker image pull": Result(1)}
    project = Project(Runner(answers=answer), Registry(), settings)
    tags.require_unmoved(project, replace(PUSHED, images=same))
    for images in (PUSHED.images, same | {"linux/s390x": OTHER}):
        with pytest.raises(PushError, match="exists, and is another image"):
            tags.require_unmoved(project, replace(PUSHED, images=images))
