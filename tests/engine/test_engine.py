"""What stands between a user and the engine: none, no permission, no BuildKit, no room."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import NewProject
from tests.engine.own_engine import OwnEngine, possible
from tests.engine.support import Project, docker

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
PLUGINS = [
    Path(folder) / "docker/cli-plugins"
    for folder in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
]


@pytest.mark.parametrize("task", [["dev"], ["build-prod"], ["run-prod"], ["verify"], ["status"], ["stop"], ["clean"]])
def test_no_engine(good: Project, task: list[str]) -> None:
    """Where no engine answers, every task says so and names the task that helps."""
    output = good.fails(*task, DOCKER_HOST="unix:///nonexistent")
    assert "No Docker engine answers" in output
    assert "invoke setup" in output


def test_no_permission(good: Project, tmp_path: Path) -> None:
    """A user who may not use the socket is told how to become one who may."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0)
        # Root may connect to anything: as nobody, who may read the checkout all the same.
        reads = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *reads) if os.geteuid() == 0 else ()
        output = good.under(*nobody).fails("status", DOCKER_HOST=f"unix://{path}", PYTHONDONTWRITEBYTECODE="1")
    assert "Permission denied on the Docker socket." in output
    assert "usermod -aG docker" in output


def test_buildkit_turned_off(project: Project) -> None:
    """DOCKER_BUILDKIT=0 in the environment is named as what stands in the way."""
    output = project.fails("build-prod", DOCKER_BUILDKIT="0")
    assert "The docker CLI has no BuildKit" in output
    assert "unset DOCKER_BUILDKIT" in output


@as_root
@pytest.mark.parametrize("authorities", ["", "/etc/ssl/certs/ca-certificates.crt"])
def test_buildx_missing(project: Project, tmp_path: Path, authorities: str) -> None:
    """Without the plugin buildx a build says what is missing."""
    mounts = "; ".join(["true", *(f"mount -t tmpfs none {folder}" for folder in PLUGINS if folder.is_dir())])
    without = ("unshare", "--mount", "sh", "-euc", f'{mounts}; exec "$@"', "sh")
    env = {"DOCKER_CONFIG": str(tmp_path), "NODE_EXTRA_CA_CERTS": authorities if Path(authorities).exists() else ""}
    output = project.under(*without).fails("build-prod", **env)
    assert "The docker CLI has no BuildKit" in output


@pytest.fixture
def full_engine(good: Project, tmp_path: Path) -> Iterator[OwnEngine]:
    """A second engine that has the base images and 24 MB left on its disk."""
    if not possible():
        pytest.skip("a second engine takes root, dockerd, unshare, nsenter and ip")
    bases = [word.partition("=")[2] for word in good.build.split() if word.startswith(("NODE_IMAGE=", "NGINX_IMAGE="))]
    found = OwnEngine(tmp_path)
    try:
        found.start()
        docker("image", "save", "--output", str(tmp_path / "bases.tar"), *bases)
        docker("image", "load", "--quiet", "--input", str(tmp_path / "bases.tar"), host=found.host)
        (tmp_path / "bases.tar").unlink()
        with (tmp_path / "data" / "ballast").open("wb") as ballast:
            left = shutil.disk_usage(tmp_path / "data").free - 24 * 1024**2
            os.posix_fallocate(ballast.fileno(), 0, left)
        yield found
    finally:
        found.end()


def test_disk_full(new_project: NewProject, app: Path, full_engine: OwnEngine) -> None:
    """When the engine's disk is full the build says so, and names what shows and frees its space."""
    with (app / "public/large.bin").open("wb") as large:
        large.write(os.urandom(64 * 1024**2))
    project = new_project(APP_DIR=str(app), BASES_SOURCE="auto")
    output = project.fails("build-prod", DOCKER_HOST=full_engine.host)
    assert "The disk is full." in output
    assert "docker system df" in output
    assert "no space left on device" in output
