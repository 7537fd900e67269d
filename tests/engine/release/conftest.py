"""Fixtures of the tests of releases on a second engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.network import free_port
from benchmarks.own_engine import CONTAINERD_STORE, OwnEngine, can_start
from docktasks.app.project import Project
from docktasks.engine.client import DockerEngine
from docktasks.images import base_images
from tests.support.checkouts import make_repository, write_app
from tests.support.commands import PrintingRunner, docker
from tests.support.image_store import RAFT, Store
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


@pytest.fixture(scope="session")
def archive(engine: DockerEngine, built_project: ProjectUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base images, as `docker image save` writes them."""
    project = Project(PrintingRunner(built_project.checkout), engine, built_project.settings())
    bases = [base_images.resolve(project, kind).reference for kind in ("node", "nginx")]
    path = tmp_path_factory.mktemp("bases") / "bases.tar"
    docker("image", "save", "--output", str(path), *bases)
    return path


@pytest.fixture(scope="session")
def containerd(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A second engine, with containerd's store. It has the base images, and no network."""
    if not can_start():
        pytest.skip("a second engine takes root, dockerd, unshare, nsenter and ip")
    engine = OwnEngine(tmp_path_factory.mktemp("containerd"), config=CONTAINERD_STORE, disk_size="3g")
    try:
        engine.start()
        docker("image", "load", "--quiet", "--input", str(archive), host=engine.host)
        yield Store(engine.connect(), engine.host, engine.enter)
    finally:
        print(engine.log())
        engine.end()


@pytest.fixture
def raft(tmp_path: Path) -> Path:
    """A small app that needs no package, in a repository with one commit."""
    return make_repository(write_app(tmp_path / "raft", RAFT))
