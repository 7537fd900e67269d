"""Faults between a user and the engine: no engine, no permission, no BuildKit, a full disk."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from benchmarks.own_engine import OwnEngine
from tests.support.commands import docker
from tests.support.long_forms import long
from tests.support.project import ProjectFactory, ProjectUnderTest

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
PLUGINS = [
    Path(folder) / "docker/cli-plugins"
    for folder in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
]


@pytest.mark.parametrize("task", ["dev", "run-prod", "status", *map(long, ["build-prod", "verify", "stop", "clean"])])
def test_task_without_an_engine_names_setup(built_project: ProjectUnderTest, task: str) -> None:
    """Where no engine answers, every task says so and names `invoke setup`."""
    output = built_project.fails(task, DOCKER_HOST="unix:///nonexistent")
    assert "No Docker engine answers" in output
    assert "invoke setup" in output


def test_refused_socket_says_how_to_get_permission(built_project: ProjectUnderTest, tmp_path: Path) -> None:
    """A user who may not use the engine's socket reads how to get permission."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0)
        # Root may connect to any socket, so run as nobody, who may also read the checkout.
        rights = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *rights) if os.geteuid() == 0 else ()
        output = built_project.with_prefix(*nobody).fails(
            "status", DOCKER_HOST=f"unix://{path}", PYTHONDONTWRITEBYTECODE="1"
        )
    assert "Permission denied on the Docker socket." in output
    assert "usermod -aG docker" in output


def test_build_names_the_variable_that_turns_buildkit_off(project: ProjectUnderTest) -> None:
    """With DOCKER_BUILDKIT=0 in the environment, build-prod says to unset it."""
    output = project.fails("build-prod", DOCKER_BUILDKIT="0")
    assert "The docker CLI has no BuildKit" in output
    assert "unset DOCKER_BUILDKIT" in output


@as_root
@pytest.mark.parametrize("authorities", ["", long("/etc/ssl/certs/ca-certificates.crt")])
def test_build_without_buildx_says_what_is_missing(project: ProjectUnderTest, tmp_path: Path, authorities: str) -> None:
    """Without the plugin buildx, build-prod says that the docker CLI has no BuildKit."""
    mounts = "; ".join(["true", *(f"mount -t tmpfs none {folder}" for folder in PLUGINS if folder.is_dir())])
    unshare = ("unshare", "--mount", "sh", "-euc", f'{mounts}; exec "$@"', "sh")
    env = {"DOCKER_CONFIG": str(tmp_path), "NODE_EXTRA_CA_CERTS": authorities if Path(authorities).exists() else ""}
    output = project.with_prefix(*unshare).fails("build-prod", **env)
    assert "The docker CLI has no BuildKit" in output


@pytest.fixture
def full_engine(built_project: ProjectUnderTest, own_engine: OwnEngine, tmp_path: Path) -> OwnEngine:
    """A second engine that has the base images, and 24 MB left on its disk."""
    words = built_project.build.split()
    bases = [word.partition("=")[2] for word in words if word.startswith(("NODE_IMAGE=", "NGINX_IMAGE="))]
    archive = tmp_path / "bases.tar"
    docker("image", "save", "--output", str(archive), *bases)
    docker("image", "load", "--quiet", "--input", str(archive), host=own_engine.host)
    archive.unlink()
    data = own_engine.folder / "data"
    with (data / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, shutil.disk_usage(data).free - 24 * 1024**2)
    return own_engine


def test_build_on_a_full_disk_names_the_commands_that_show_and_free_space(
    new_project: ProjectFactory, app: Path, full_engine: OwnEngine
) -> None:
    """When the engine's disk is full, build-prod says so and names `docker system df`."""
    with (app / "public/large.bin").open("wb") as large:
        large.write(os.urandom(64 * 1024**2))
    project = new_project(APP_DIR=str(app), BASES_SOURCE="auto")
    output = project.fails("build-prod", DOCKER_HOST=full_engine.host)
    assert "The disk is full." in output
    assert "docker system df" in output
    assert "no space left on device" in output
