"""`invoke dev` after a kill -9 of everything: it serves, and never from a half filled volume."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from docktasks.dev.node_modules import FILLING_SUFFIX
from docktasks.waiting import Probe, wait_until
from tests.conftest import NewProject, Start
from tests.engine.own_engine import OwnEngine
from tests.engine.support import Project, docker

READY = "Ctrl-C stops it."
CRATES = 20_000
"""Files in node_modules: so many that it takes a while to copy them, and that one which is missing would be missed."""

LOAD = f"""
const fs = require('fs')
fs.mkdirSync('node_modules/crates', {{ recursive: true }})
for (let at = 0; at < {CRATES}; at++) fs.writeFileSync('node_modules/crates/' + at, String(at))
"""
SERVE = """
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
const [host, port] = ['--host', '--port'].map((option) => process.argv[process.argv.indexOf(option) + 1])
createServer((_, answer) => answer.end(String(readdirSync('node_modules/crates').length))).listen(port, host)
"""


@pytest.fixture
def hulk(tmp_path: Path) -> Path:
    """An app with a heavy load and no package of anybody else, which an engine without a network can install, too."""
    app = tmp_path / "hulk"
    app.mkdir()
    scripts = {"postinstall": f'node --eval "{LOAD.strip()}"'.replace("\n", ";"), "dev": "node serve.js"}
    (app / "package.json").write_text(json.dumps({"private": True, "type": "module", "scripts": scripts}))
    (app / "serve.js").write_text(SERVE)
    return app


def volumes(project: Project) -> list[str]:
    """The volumes for modules, and their marks."""
    return [name for name in project.engine.volumes(project.name) if "-modules-" in name]


def being_filled(project: Project) -> Path:
    """Wait for the moment when there is something in the volume, and not all; the volume's folder."""

    def look() -> Probe:
        names = [name for name in volumes(project) if f"{name}{FILLING_SUFFIX}" in volumes(project)]
        folders = [project.engine.client.volumes.get(name).attrs["Mountpoint"] for name in names]
        return Probe(any(loaded(Path(folder)) for folder in folders), "".join(folders))

    looked = wait_until(look, limit=120, interval=0.002)
    assert looked.ready
    return Path(looked.status)


def loaded(volume: Path) -> int:
    """How much of the load is in a volume."""
    crates = volume / "crates"
    return len(list(crates.iterdir())) if crates.exists() else 0


def kill_container(project: Project) -> None:
    """End every process of the dev container at once."""
    first = psutil.Process(project.inspect("dev")["State"]["Pid"])
    for each in (*first.children(recursive=True), first):
        os.kill(each.pid, signal.SIGKILL)
    looked = wait_until(lambda: Probe(project.container("dev").state == "exited"), limit=20)
    assert looked.ready


def serves_all(project: Project) -> None:
    """Check that the next start serves, with all there is to have, and that nothing is left of the one before."""
    output = project.does("dev", "--detach")
    assert "Serving with hot reload after" in output
    assert len(volumes(project)) == 1
    assert project.names() == [f"{project.name}-dev"]


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root kills what runs in a container")


@as_root
def test_killed_while_it_serves(new_project: NewProject, start: Start, hulk: Path) -> None:
    """The task and every process of the container: the next start is one in the same volume."""
    project = new_project(APP_DIR=str(hulk))
    task = start(project, "dev")
    task.until(READY)
    before = volumes(project)
    task.kill()
    kill_container(project)
    serves_all(project)
    assert volumes(project) == before
    assert project.page(role="dev").text == str(CRATES)


@as_root
def test_killed_while_the_volume_is_filled(new_project: NewProject, start: Start, hulk: Path) -> None:
    """The engine goes on to fill it, for a container that nobody waits for: the next start, at once, has its own."""
    project = new_project(APP_DIR=str(hulk))
    task = start(project, "dev")
    being_filled(project)
    task.kill()
    serves_all(project)
    assert project.page(role="dev").text == str(CRATES)


@pytest.fixture
def elsewhere(own_engine: OwnEngine, new_project: NewProject, hulk: Path, tmp_path: Path) -> Iterator[Project]:
    """The app's project on an engine that may be killed, whose base image is there."""
    here = new_project(APP_DIR=str(hulk))
    here.does("dev", "--detach")
    image = here.engine.image(f"{here.name}:dev")
    assert image is not None
    tar = tmp_path / "image.tar"
    base = image.labels["org.opencontainers.image.base.name"]
    docker("image", "save", "--output", str(tar), base)
    docker("image", "load", "--quiet", "--input", str(tar), host=own_engine.host)
    tar.unlink()
    project = Project(own_engine.connect(), here.checkout, APP_DIR=str(hulk)).under(*own_engine.enter)
    project.environ["DOCKER_HOST"] = own_engine.host
    yield project
    project.engine.client.close()


def test_the_engine_killed_while_the_volume_is_filled(own_engine: OwnEngine, elsewhere: Project, start: Start) -> None:
    """As by a power cut: the volume stays half filled, and the next start makes it anew."""
    task = start(elsewhere, "dev")
    volume = being_filled(elsewhere)
    own_engine.kill()
    task.kill()
    half = loaded(volume)
    assert 0 < half < CRATES
    own_engine.start()
    serves_all(elsewhere)
    (name,) = volumes(elsewhere)
    assert loaded(Path(elsewhere.engine.client.volumes.get(name).attrs["Mountpoint"])) == CRATES
