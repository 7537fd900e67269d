"""`invoke dev` serves after everything was killed, and never from a half filled volume."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from benchmarks.own_engine import OwnEngine
from docktasks.dev.node_modules import FILLING_SUFFIX
from docktasks.waiting import Probe, wait_until
from tests.support.commands import docker
from tests.support.project import ProjectFactory, ProjectUnderTest
from tests.support.running_task import DEV_READY, StartTask

CRATES = 10_000
"""The number of files in node_modules. Copying so many takes a while, and the page shows how many are there."""

POSTINSTALL = f"""
const fs = require('fs')
fs.mkdirSync('node_modules/crates', {{ recursive: true }})
for (let at = 0; at < {CRATES}; at++) fs.writeFileSync('node_modules/crates/' + at, String(at))
"""
SERVER = """
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
const [host, port] = ['--host', '--port'].map((option) => process.argv[process.argv.indexOf(option) + 1])
createServer((_, answer) => answer.end(String(readdirSync('node_modules/crates').length))).listen(port, host)
"""


@pytest.fixture
def hulk(tmp_path: Path) -> Path:
    """An app with many files in node_modules and no package of others, so it installs without a network."""
    app = tmp_path / "hulk"
    app.mkdir()
    scripts = {"postinstall": f'node --eval "{POSTINSTALL.strip()}"'.replace("\n", ";"), "dev": "node serve.js"}
    (app / "package.json").write_text(json.dumps({"private": True, "type": "module", "scripts": scripts}))
    (app / "serve.js").write_text(SERVER)
    return app


def wait_for_filling(project: ProjectUnderTest) -> Path:
    """Wait until a volume has some of the files and not all, and return its folder."""

    def look() -> Probe:
        names = [
            name
            for name in project.node_modules_volumes()
            if f"{name}{FILLING_SUFFIX}" in project.node_modules_volumes()
        ]
        folders = [project.engine.client.volumes.get(name).attrs["Mountpoint"] for name in names]
        return Probe(any(count_crates(Path(folder)) for folder in folders), "".join(folders))

    probe = wait_until(look, limit=120, interval=0.002)
    assert probe.ready
    return Path(probe.status)


def count_crates(volume: Path) -> int:
    """Return the number of files that a volume has."""
    crates = volume / "crates"
    return len(list(crates.iterdir())) if crates.exists() else 0


def kill_container(project: ProjectUnderTest) -> None:
    """Kill every process of the dev container at once."""
    first = psutil.Process(project.inspect("dev")["State"]["Pid"])
    for process in (*first.children(recursive=True), first):
        with suppress(ProcessLookupError):  # it may end with one that was killed before it
            os.kill(process.pid, signal.SIGKILL)
    probe = wait_until(lambda: Probe(project.container("dev").state == "exited"), limit=60)
    assert probe.ready


def assert_next_start_serves(project: ProjectUnderTest) -> None:
    """Check that the next start serves, and that nothing of the one before is left."""
    output = project.succeeds("dev", "--detach")
    assert "Serving with hot reload" in output
    assert len(project.node_modules_volumes()) == 1
    assert project.container_names() == [f"{project.name}-dev"]


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root kills what runs in a container")


@as_root
def test_dev_says_why_its_container_ended_and_follows_one_that_was_started_again(
    new_project: ProjectFactory, start_task: StartTask, hulk: Path
) -> None:
    """docker restart goes on in the same task. A server that was killed, as by a kernel without memory, is an error."""
    project = new_project(APP_DIR=str(hulk))
    task = start_task(project, "dev")
    task.wait_for(DEV_READY)
    docker("container", "restart", "--time", "1", f"{project.name}-dev")
    task.wait_for("was started again from outside")
    kill_container(project)
    assert task.wait_for_exit(60) == 1
    assert "It was killed" in task.output
    assert_next_start_serves(project)


@pytest.mark.long  # the next test kills while the volume is filled
@as_root
def test_dev_serves_from_the_same_volume_after_a_kill(
    new_project: ProjectFactory, start_task: StartTask, hulk: Path
) -> None:
    """dev serves from the same volume when its task and all processes of the container were killed."""
    project = new_project(APP_DIR=str(hulk))
    task = start_task(project, "dev")
    task.wait_for(DEV_READY)
    before = project.node_modules_volumes()
    task.kill()
    kill_container(project)
    assert_next_start_serves(project)
    assert project.node_modules_volumes() == before
    assert project.get(role="dev").text == str(CRATES)


@as_root
def test_dev_fills_a_new_volume_when_the_task_was_killed_while_filling(
    new_project: ProjectFactory, start_task: StartTask, hulk: Path
) -> None:
    """The engine continues to fill the volume of the killed task. The next start uses a volume of its own."""
    project = new_project(APP_DIR=str(hulk))
    task = start_task(project, "dev")
    wait_for_filling(project)
    task.kill()
    assert_next_start_serves(project)
    assert project.get(role="dev").text == str(CRATES)


@pytest.fixture
def project_on_own_engine(
    own_engine: OwnEngine, new_project: ProjectFactory, hulk: Path, tmp_path: Path
) -> Iterator[ProjectUnderTest]:
    """The app's project on a second engine, which has the base image and may be killed."""
    local_project = new_project(APP_DIR=str(hulk))
    local_project.succeeds("dev", "--detach")
    image = local_project.engine.image(f"{local_project.name}:dev")
    assert image is not None
    archive = tmp_path / "image.tar"
    base = image.labels["org.opencontainers.image.base.name"]
    docker("image", "save", "--output", str(archive), base)
    docker("image", "load", "--quiet", "--input", str(archive), host=own_engine.host)
    archive.unlink()
    project = ProjectUnderTest(own_engine.connect(), local_project.checkout, APP_DIR=str(hulk)).with_prefix(
        *own_engine.enter
    )
    project.environ["DOCKER_HOST"] = own_engine.host
    yield project
    project.engine.client.close()


@pytest.mark.long  # the test before kills the task, and goes on with the same volume
def test_dev_fills_the_volume_again_after_a_power_cut(
    own_engine: OwnEngine, project_on_own_engine: ProjectUnderTest, start_task: StartTask
) -> None:
    """The engine is killed while it fills the volume. The next start makes the volume again."""
    task = start_task(project_on_own_engine, "dev")
    volume = wait_for_filling(project_on_own_engine)
    own_engine.kill()
    task.kill()
    assert 0 < count_crates(volume) < CRATES
    own_engine.start()
    assert_next_start_serves(project_on_own_engine)
    (name,) = project_on_own_engine.node_modules_volumes()
    assert count_crates(Path(project_on_own_engine.engine.client.volumes.get(name).attrs["Mountpoint"])) == CRATES
