"""Fixtures of the sabotage tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Image
from tests.support.project import ProjectUnderTest


@pytest.fixture(scope="session")
def built_image(built_project: ProjectUnderTest) -> Image:
    """A healthy image, on which each sabotage adds a layer."""
    image = built_project.engine.image(built_project.image)
    assert image is not None
    return image


@pytest.fixture(scope="module")
def sabotaged_project(
    engine: DockerEngine, checkout: Path, built_project: ProjectUnderTest
) -> Iterator[ProjectUnderTest]:
    """One project for all sabotage of a module. Each takes over the names of the one before."""
    project = ProjectUnderTest(engine, checkout)
    project.stage(built_project.image)
    yield project
    project.end()


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    """Callbacks that remove what the test made."""
    with ExitStack() as stack:
        yield stack
