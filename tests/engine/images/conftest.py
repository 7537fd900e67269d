"""Fixtures of several files with tests of the real engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from docktasks.engine.client import DockerEngine
from tests.support.image_sandbox import ImageSandbox
from tests.support.project import ProjectUnderTest


@pytest.fixture
def sandbox(engine: DockerEngine, built_project: ProjectUnderTest) -> Iterator[ImageSandbox]:
    """Containers and volumes of the good production image."""
    sandbox = ImageSandbox(engine, built_project.image)
    yield sandbox
    sandbox.end()
