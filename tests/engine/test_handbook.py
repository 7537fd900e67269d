from __future__ import annotations

import json
import shlex
from pathlib import Path

import httpx

from docktasks.engine.client import DockerEngine
from docktasks.waiting import http_ready, wait_until
from tests.engine.apps import write_app
from tests.engine.support import Project, docker, new_name

BUILD = "image build --tag hello-dock:prod ."
RUN = "container run --rm --detach --name hello-dock-prod --publish 8080:80 hello-dock:prod"


def bases(good: Project) -> list[str]:
    """The options that have a build take the base images that another took."""
    named = [arg for arg in shlex.split(good.build) if arg.startswith(("NODE_IMAGE=", "NGINX_IMAGE="))]
    return [arg for name in named for arg in ("--build-arg", name)]


def test_handbooks_commands_work(good: Project, checkout: Path, engine: DockerEngine) -> None:
    """The handbook's two commands build and serve the app; only the tag, the name and the port are the test's own."""
    image = engine.image(good.image)
    assert image is not None
    name = new_name()
    given = " ".join(bases(good))
    build = BUILD.replace("hello-dock:prod", f"{name}:prod {given}")
    run = RUN.replace("hello-dock-prod", f"{name}-prod").replace("hello-dock:prod", f"{name}:prod")
    try:
        docker(*build.split(), cwd=checkout)
        docker(*run.replace("8080:80", "127.0.0.1:0:80").split())
        container = engine.container(f"{name}-prod")
        assert container is not None
        looked = wait_until(lambda: http_ready(container.url), limit=20)
        assert looked.ready, looked.status
        page = httpx.get(container.url, trust_env=False)
        assert '<div id="app">' in page.text
        assert page.headers["content-encoding"] in {"br", "gzip"}
    finally:
        docker("container", "rm", "--force", f"{name}-prod")
        docker("image", "rm", "--force", f"{name}:prod")


def test_handbooks_build_needs_nothing_else(checkout: Path) -> None:
    """Everything the Dockerfile takes has a default, so that the build needs no argument."""
    args = [line.split()[1] for line in (checkout / "Dockerfile").read_text().splitlines() if line.startswith("ARG ")]
    without = {arg for arg in args if "=" not in arg}
    assert without <= {"SOURCE_DATE_EPOCH"}


def test_modules_that_a_context_brings_are_left_there(good: Project, checkout: Path, tmp_path: Path) -> None:
    """By hand the Dockerfile can be used on any folder, ignored or not: another machine's modules stay out."""
    name, app, dockerfile = new_name(), tmp_path / "app", tmp_path / "Dockerfile"
    dockerfile.write_text((checkout / "Dockerfile").read_text().replace("id=hello-dock-modules", f"id={name}"))
    script = "mkdir dist && ls -A node_modules >dist/index.html"
    write_app(app, {"package.json": json.dumps({"name": "bare", "scripts": {"build": script}})})
    options = [
        "--build-arg",
        "APP_DIR=.",
        "--build-context",
        f"tools={checkout}/docktasks/images",
        "--file",
        str(dockerfile),
    ]
    try:
        for more in ({}, {"node_modules/stale/index.js": "stale"}):  # the first leaves node_modules for the second
            write_app(app, more)
            docker("image", "build", "--tag", name, *bases(good), *options, str(app))
            page = docker("container", "run", "--rm", "--entrypoint", "cat", name, "/srv/site/index.html")
            assert ".hello-dock-installed.used" in page.split()
            assert "stale" not in page
    finally:
        docker("image", "rm", "--force", name)
