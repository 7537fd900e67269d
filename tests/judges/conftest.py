"""One release for all judges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from tests.engine.support import Project


@pytest.fixture(scope="session")
def release(engine: DockerEngine, checkout: Path, good: Project) -> Iterator[Project]:
    """A project that serves the good image."""
    project = Project(engine, checkout)
    try:
        project.stage(good.image)
        project.does("run-prod", "--no-build")
        yield project
    finally:
        project.end()
