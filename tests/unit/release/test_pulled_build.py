"""An image of a registry that is to be run: a tag next to its digest, and what keeps serving."""

from __future__ import annotations

import pytest

from docktasks.app.project import Project
from docktasks.errors import NotInRegistryError, PushError, RegistryError
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
