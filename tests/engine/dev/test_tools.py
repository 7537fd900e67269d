"""Tasks next to the dev server: the app's tests and a shell, with a keyboard, and package managers."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.checkout import copy_app
from docktasks.engine.client import DockerEngine
from docktasks.waiting import Probe, wait_until
from tests.support.checkouts import OTHER_OWNER, chown_tree, write_app
from tests.support.long_forms import long
from tests.support.project import ProjectFactory, ProjectUnderTest
from tests.support.running_task import DEV_READY, StartTask
from tests.support.terminal import Terminal

WAITING = "Waiting for file changes"
OpenTerminal = Callable[..., Terminal]
LOCK_FILES = {"npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock"}
# Each takes half a minute. test_dependency_watch.py follows an installation, and a unit test has the advice.
MANAGERS = [
    long("npm@12"), long("pnpm@11.28.11"), long("yarn@4.9.2"), long("pnpm@8.15.9"), long("pnpm@10.20.0"),
    long("pnpm@12.21.0"), long("yarn@1.22.22"),
]  # fmt: skip
OLD_APP = {
    "name": "jetty",
    "private": True,
    "type": "module",
    "scripts": {"dev": "vite"},
    "devDependencies": {"vite": "8.0.15"},
}


@pytest.fixture(scope="module")
def app_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the app that the tests may edit."""
    return copy_app(tmp_path_factory.mktemp("tools") / "app")


@pytest.fixture(scope="module")
def project(engine: DockerEngine, checkout: Path, app_dir: Path) -> Iterator[ProjectUnderTest]:
    """The project of that app. Its image is built once."""
    project = ProjectUnderTest(engine, checkout, APP_DIR=str(app_dir))
    yield project
    project.end()


@pytest.fixture
def open_terminal(project: ProjectUnderTest) -> Iterator[OpenTerminal]:
    """A function that starts a task in a terminal. The tasks are killed after the test."""
    terminals: list[Terminal] = []

    def open_one(*args: str) -> Terminal:
        terminals.append(Terminal(project, *args))
        return terminals[-1]

    yield open_one
    for terminal in terminals:
        terminal.end()


def assert_no_container_is_left(project: ProjectUnderTest) -> None:
    """Check that no container is left, after a moment."""
    probe = wait_until(lambda: Probe(not project.container_names(), str(project.container_names())), limit=60)
    assert probe.ready, probe.status


def test_watched_tests_run_again_after_an_edit(
    project: ProjectUnderTest, open_terminal: OpenTerminal, app_dir: Path
) -> None:
    """`invoke test --watch` runs the tests of an edited file, takes keys, and ends with Ctrl-C."""
    task = open_terminal("test", "--watch")
    task.wait_for(WAITING)
    assert "7 passed" in task.output
    source = app_dir / "src/env.js"
    source.write_text(source.read_text().replace("export", "throw new Error('adrift-5f2c')\nexport", 1))
    task.wait_for("adrift-5f2c", 60)
    source.write_text(source.read_text().replace("throw new Error('adrift-5f2c')\n", ""))
    count = task.output.count(WAITING)
    probe = wait_until(lambda: Probe(task.output.count(WAITING) > count), limit=60)
    assert probe.ready, task.output
    (name,) = project.container_names()
    assert name.startswith(f"{project.name}-dev-test-")
    task.press("\x03")
    assert task.wait_for_exit() == 0, task.output
    assert "Traceback" not in task.output
    assert_no_container_is_left(project)


# The test before has `test --watch`, and test_server.py a task that a signal ends.
@pytest.mark.parametrize(
    ("words", "ready", "fault"),
    [long(("test", "--watch"), WAITING, "killed"), (("dev",), DEV_READY, "closed"),
     long(("test", "--watch"), WAITING, "closed"), long(("dev",), DEV_READY, "killed")],
)  # fmt: skip
def test_container_ends_with_its_terminal_or_task(
    project: ProjectUnderTest, open_terminal: OpenTerminal, words: tuple[str, ...], ready: str, fault: str
) -> None:
    """The container of a task ends when its terminal is closed, and when only the task is ended."""
    task = open_terminal(*words)
    task.wait_for(ready)
    if fault == "closed":
        task.close()
    else:
        task.process.send_signal(signal.SIGTERM)
    task.wait_for_exit()
    assert_no_container_is_left(project)


def test_shell_has_a_keyboard(project: ProjectUnderTest, open_terminal: OpenTerminal) -> None:
    """`invoke shell` runs what is typed, and ends with the exit code of the last command."""
    project.succeeds("dev", "--detach")
    task = open_terminal("shell")
    task.wait_for("/home/node/app ")
    task.press('echo "in $PWD as $(id -u)"; node -p 40+2; exit 7\n')
    assert task.wait_for_exit() == 7
    assert f"in /home/node/app as {app_owner(project)}" in task.output
    assert "42" in task.output
    project.succeeds("stop")


def app_owner(project: ProjectUnderTest) -> int:
    """Return the uid of the app's folder."""
    return Path(project.environ["INVOKE_APP_DIR"]).stat().st_uid


@pytest.mark.parametrize("manager", MANAGERS)
def test_advice_replaces_an_old_vite(
    new_project: ProjectFactory, start_task: StartTask, tmp_path: Path, manager: str
) -> None:
    """The advice uses the words of the app's package manager. dev follows, and only the needed files are new."""
    name, _, version = manager.partition("@")
    files = {
        "package.json": json.dumps(OLD_APP | {"packageManager": manager}),
        "index.html": "<!doctype html><title>Jetty</title>\n",
    }
    app = chown_tree(write_app(tmp_path / "jetty", files))
    project = new_project(APP_DIR=str(app))
    project.succeeds("npm", "--", "install")
    task = start_task(project, "dev")
    task.wait_for(DEV_READY)
    advice = re.search(r"! Vite 8\.0\.15 .*: invoke (npm -- .+)", task.output)
    assert advice is not None
    project.succeeds(*advice.group(1).split())
    task.wait_for("Serving with the new dependencies")
    assert json.loads((app / "package.json").read_text())["devDependencies"]["vite"].endswith("8.1.7")
    used_version = project.engine.exec(f"{project.name}-dev", [name, "--version"]).output.strip()
    assert f"{used_version}.".startswith(f"{version}.")
    print_version = ["node", "--print", "require('vite/package.json').version"]
    assert project.engine.exec(f"{project.name}-dev", print_version).output.strip() == "8.1.7"
    assert {path.name for path in app.iterdir()} == {"package.json", "index.html", "node_modules", LOCK_FILES[name]}
    assert {(path.stat().st_uid, path.stat().st_gid) for path in app.iterdir()} == {OTHER_OWNER}
    project.succeeds("stop")
