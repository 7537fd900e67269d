"""Fixtures of the tests of releases on a second engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.network import free_port
from benchmarks.own_engine import OwnEngine
from tests.support.commands import docker
from tests.support.project import RUN_STAGED, ProjectUnderTest


@pytest.fixture
def project_on_own_engine(
    own_engine: OwnEngine, built_project: ProjectUnderTest, checkout: Path, tmp_path: Path
) -> Iterator[ProjectUnderTest]:
    """A project that is served by the second engine."""
    image = built_project.engine.image(built_project.image)
    assert image is not None
    archive = tmp_path / "images.tar"
    base = image.labels["org.opencontainers.image.base.name"]
    docker("image", "save", "--output", str(archive), built_project.image, base)
    docker("image", "load", "--quiet", "--input", str(archive), host=own_engine.host)
    archive.unlink()
    port = {"PROD_HOST_PORT": str(free_port())}
    project = ProjectUnderTest(own_engine.connect(), checkout, **port).with_prefix(*own_engine.enter)
    project.environ["DOCKER_HOST"] = own_engine.host
    project.stage(built_project.image)
    project.succeeds(*RUN_STAGED)
    yield project
    project.engine.client.close()
