"""Fixtures of the sabotage tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Image
from tests.engine.support import Project


@pytest.fixture(scope="session")
def built_image(good: Project) -> Image:
    """A healthy image, on which each sabotage adds a layer."""
    image = good.engine.image(good.image)
    assert image is not None
    return image


@pytest.fixture(scope="module")
def sabotaged_project(engine: DockerEngine, checkout: Path, good: Project) -> Iterator[Project]:
    """One project for all sabotage of a module. Each takes over the names of the one before."""
    project = Project(engine, checkout)
    project.stage(good.image)
    yield project
    project.end()


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    """Callbacks that remove what the test made."""
    with ExitStack() as stack:
        yield stack
