"""A repository with files of its own: plain Docker, the tasks and nox build by these."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.checkout import VITE_VERSION
from docktasks.engine.client import DockerEngine
from docktasks.images.build_context import ca_file
from docktasks.waiting import http_ready, wait_until
from tests.support.checkouts import make_repository, write_app
from tests.support.commands import docker, run_command
from tests.support.package import Package
from tests.support.project import ProjectUnderTest, new_name

SITE = {
    "package.json": json.dumps({
        "name": "pier", "version": "0.1.0", "type": "module", "scripts": {"dev": "vite", "build": "vite build"},
        "devDependencies": {"vite": VITE_VERSION},
    }),
    "index.html": '<!doctype html><html lang="en"><title>Pier</title><p>pier</p><script type="module" src="/a.js">'
    "</script>",
    "a.js": "document.body.append('tide')\n",
    ".gitignore": "node_modules\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The package with nox, and with settings that let it run next to others."""
    settings = {"APP_NAME": new_name(), "PROD_HOST_PORT": "0", "DEV_HOST_PORT": "0", "PROD_GATE_BROWSER": "never"}
    package = Package(tmp_path_factory.mktemp("package"), **settings)
    package.install(f"hello-dock[nox] @ {package.wheel.as_uri()}")
    return package


@pytest.fixture(scope="module")
def site(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository with one commit, in which `init` was called. A space is in its path."""
    site = make_repository(write_app(tmp_path_factory.mktemp("sites") / "my site", SITE))
    package.succeeds("hello-dock", site, "init")
    yield site
    package.succeeds("hello-dock", site, "clean")


@pytest.fixture
def build_options(site: Path, tmp_path: Path, built_project: ProjectUnderTest) -> list[str]:
    """The base images of this machine, and the repository's scripts with its certificate authorities."""
    named = [arg for arg in built_project.build.split() if arg.startswith(("NODE_IMAGE=", "NGINX_IMAGE="))]
    folder = tmp_path / "tools"
    shutil.copytree(site / ".hello-dock", folder)
    if ca := ca_file(built_project.settings()):
        shutil.copyfile(ca, folder / "node/ca.pem")
    return [arg for name in named for arg in ("--build-arg", name)] + ["--build-context", f"tools={folder}"]


def published(engine: DockerEngine, container: str) -> str:
    """Wait until a container serves, and return its address."""
    server = engine.container(container)
    assert server is not None
    looked = wait_until(lambda: http_ready(server.url), limit=90)
    assert looked.ready, f"{looked.status}\n{engine.logs(container, 40)}"
    return server.url


@pytest.mark.long
def test_dev_container_of_plain_docker_serves(
    engine: DockerEngine, site: Path, built_project: ProjectUnderTest, build_options: list[str]
) -> None:
    """Its command installs the packages into the volume, and starts the dev server."""
    name = new_name()
    mounts = ["--volume", f"{site}:/home/node/app", "--volume", "/home/node/app/node_modules"]
    if ca := ca_file(built_project.settings()):
        mounts += ["--volume", f"{ca}:/ca.pem:ro", "--env", "NODE_EXTRA_CA_CERTS=/ca.pem"]
    try:
        docker("image", "build", *build_options, "--tag", name, "--file", str(site / "Dockerfile.dev"), str(site))
        docker("container", "run", "--detach", "--publish", "127.0.0.1::3000", "--name", name, *mounts, name)
        assert "/@vite/client" in httpx.get(published(engine, name), trust_env=False).text
    finally:
        docker("container", "rm", "--force", "--volumes", name)
        docker("image", "rm", "--force", name)


def test_repository_with_its_own_files(
    engine: DockerEngine, package: Package, site: Path, build_options: list[str]
) -> None:
    """Plain Docker builds and serves the site. The tasks and nox build by the repository's own Dockerfile, too."""
    name = new_name()
    try:
        docker("image", "build", *build_options, "--tag", name, str(site))
        docker("container", "run", "--detach", "--publish", "127.0.0.1::80", "--name", name, name)
        page = httpx.get(published(engine, name), trust_env=False)
        assert "<p>pier</p>" in page.text
        assert page.headers["content-encoding"] in {"br", "gzip"}
    finally:
        docker("container", "rm", "--force", name)
        docker("image", "rm", "--force", name)

    with (site / "Dockerfile").open("a") as file:
        file.write('LABEL pier="own"\n')
    with (site / ".gitignore").open("a") as file:
        file.write("__pycache__/\n")  # Python keeps noxfile.py there, as it does in each repository that has one
    make_repository(site)
    output = package.succeeds("nox", site, "--session", "verify", "--", "--group=image", "--group=http")
    assert re.search(r"[1-9]\d* passed, 0 failed", output)
    package.succeeds("hello-dock", site, "build-prod")
    assert (
        docker("image", "inspect", "--format", "{{.Config.Labels.pier}}", f"{package.environ['INVOKE_APP_NAME']}:prod")
        == "own"
    )
    assert "kept: my site/Dockerfile\n" in package.succeeds("hello-dock", site, "init")
    status = run_command(["git", "status", "--porcelain"], site, package.environ)
    assert status.output == ""
