"""Fixtures of several files with tests of the real engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from docktasks.engine.client import DockerEngine
from tests.engine.image_sandbox import ImageSandbox
from tests.engine.support import Project


@pytest.fixture
def sandbox(engine: DockerEngine, good: Project) -> Iterator[ImageSandbox]:
    """Containers and volumes of the good production image."""
    sandbox = ImageSandbox(engine, good.image)
    yield sandbox
    sandbox.end()
