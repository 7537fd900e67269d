"""Fixtures of the sabotage tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Image
from tests.engine.support import Project


@pytest.fixture(scope="session")
def origin(good: Project) -> Image:
    """The good image, to be spoiled."""
    found = good.engine.image(good.image)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def spoiling(engine: DockerEngine, checkout: Path, good: Project) -> Iterator[Project]:
    """One project for all: each sabotage takes its name from the one before."""
    project = Project(engine, checkout)
    project.stage(good.image)
    yield project
    project.end()


@pytest.fixture
def made() -> Iterator[contextlib.ExitStack]:
    """Whatever is made is removed."""
    with contextlib.ExitStack() as stack:
        yield stack
