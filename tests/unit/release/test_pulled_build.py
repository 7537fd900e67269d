"""An image of a registry that is to be run: a tag next to its digest, and what keeps serving."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.errors import NotInRegistryError, PushError, RegistryError
from docktasks.fleet.change import DeployOptions, plan
from docktasks.release import build
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import image
from tests.unit.fakes.runner import Runner

PUSHED, MOVED = (f"sha256:{letter * 64}" for letter in "ab")
NAME = "harbour.example:5000/team/app"


@pytest.mark.parametrize(
    ("reference", "answer", "is_refused"),
    [
        (f"{NAME}:1.0.0@{PUSHED}", MOVED, True), (f"{NAME}:1.0.0@{PUSHED}", PUSHED, False),
        (f"{NAME}@{PUSHED}", MOVED, False), (f"{NAME}:1.0.0@{PUSHED}", RegistryError("it does not answer"), False),
        (f"{NAME}:1.0.0@{PUSHED}", NotInRegistryError("removed"), False),
    ],
)  # fmt: skip
def test_tag_that_was_moved_since_is_refused(
    settings: Settings, reference: str, answer: str | RegistryError, *, is_refused: bool
) -> None:
    """A digest without a tag means this image whatever happens, and an image that is here runs without its registry."""
    engine = FakeEngine(images={reference: image("a")})
    engine.registry[f"{NAME}:1.0.0"] = answer
    project = Project(Runner(engine), engine, settings)
    if not is_refused:
        assert build.pulled_build(project, reference).image == image("a")
        return
    with pytest.raises(PushError, match=f"means {MOVED} now") as caught:
        build.pulled_build(project, reference)
    assert f"--image={NAME}@{PUSHED}" in caught.value.how


@pytest.mark.parametrize("tag", ["", ":1.0.0"])
def test_digest_of_a_pulled_image_is_found_with_or_without_a_tag(settings: Settings, tag: str) -> None:
    """A name without a tag means latest, and the port of its registry is no tag. The fleet takes the digest, too."""
    pulled = replace(image("a"), digests=(f"{NAME}@{PUSHED}", f"{NAME}-copy@{MOVED}"))
    engine = FakeEngine(images={f"{NAME}{tag}": pulled})
    project = Project(Runner(answers={"docker image pull": Result()}), engine, settings)
    assert build.pulled_build(project, f"{NAME}{tag}").notices == (f"{NAME}{tag} is {NAME}@{PUSHED}.",)
    assert plan(project, DeployOptions(f"{NAME}{tag}"), None).release == f"{NAME}@{PUSHED}"
