"""The handbook's own two commands, and the Dockerfile used by hand."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from docktasks.engine.client import DockerEngine
from docktasks.waiting import http_ready, wait_until
from tests.support.checkouts import write_app
from tests.support.commands import docker
from tests.support.project import ProjectUnderTest, new_name

BUILD = "image build --tag hello-dock:prod ."
RUN = "container run --rm --detach --name hello-dock-prod --publish 8080:80 hello-dock:prod"


def bases(built_project: ProjectUnderTest) -> list[str]:
    """The options that have a build take the base images that another took."""
    named = [arg for arg in built_project.build.split() if arg.startswith(("NODE_IMAGE=", "NGINX_IMAGE="))]
    return [arg for name in named for arg in ("--build-arg", name)]


def test_handbooks_commands_work(built_project: ProjectUnderTest, checkout: Path, engine: DockerEngine) -> None:
    """The handbook's two commands build and serve the app; only the tag, the name and the port are the test's own."""
    image = engine.image(built_project.image)
    assert image is not None
    name = new_name()
    options = " ".join([*bases(built_project), *built_project.authority_args])
    build = BUILD.replace("hello-dock:prod", f"{name}:prod {options}")
    run = RUN.replace("hello-dock-prod", f"{name}-prod").replace("hello-dock:prod", f"{name}:prod")
    try:
        docker(*build.split(), cwd=checkout)
        docker(*run.replace("8080:80", "127.0.0.1:0:80").split())
        container = engine.container(f"{name}-prod")
        assert container is not None
        looked = wait_until(lambda: http_ready(container.url), limit=60)
        assert looked.ready, looked.status
        page = httpx.get(container.url, trust_env=False)
        assert '<div id="app">' in page.text
        assert page.headers["content-encoding"] in {"br", "gzip"}
    finally:
        docker("container", "rm", "--force", f"{name}-prod")
        docker("image", "rm", "--force", f"{name}:prod")


def test_handbooks_build_needs_nothing_else(checkout: Path) -> None:
    """Everything the Dockerfile takes has a default, so that the build needs no argument."""
    lines = (checkout / "Dockerfile").read_text().splitlines()
    arguments = [word for line in lines if line.startswith("ARG ") for word in line.split()[1:]]
    assert {word for word in arguments if "=" not in word} == {"SOURCE_DATE_EPOCH"}


def test_node_modules_of_the_build_context_stay_out(
    built_project: ProjectUnderTest, checkout: Path, tmp_path: Path
) -> None:
    """A folder without an ignore file can be built by hand, and its packages may be another machine's."""
    name, app = new_name(), tmp_path / "app"
    script = "mkdir dist && { echo built && ls -A node_modules; } >dist/index.html"
    package = {"name": "bare", "description": name, "scripts": {"build": script}}
    files = {"package.json": json.dumps(package), "node_modules/stale/index.js": "stale"}
    options = ["--build-arg", "APP_DIR=.", "--build-context", f"tools={checkout}/docktasks/images"]
    options += ["--file", f"{checkout}/Dockerfile"]
    try:
        docker("image", "build", "--tag", name, *bases(built_project), *options, str(write_app(app, files)))
        page = docker("container", "run", "--rm", "--entrypoint", "cat", name, "/srv/site/index.html")
        assert page.startswith("built")
        assert "stale" not in page
    finally:
        docker("image", "rm", "--force", name)
