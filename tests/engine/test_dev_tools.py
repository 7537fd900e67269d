"""What is run beside the dev server: the app's tests and a shell, at a keyboard, and package managers."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.waiting import Probe, wait_until
from tests.conftest import NewProject, Start
from tests.engine.apps import OWNER, copy_app, own, write_app
from tests.engine.support import Project
from tests.engine.terminal import Terminal

WAITS = "Waiting for file changes"
Open = Callable[..., Terminal]
LOCK_FILES = {"npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock"}
MANAGERS = ["npm@12", "pnpm@8.15.9", "pnpm@10.20.0", "pnpm@11.28.11", "yarn@4.9.2"]
if os.environ.get("MATRIX") == "all":  # as of test_matrix; these take half a minute each
    MANAGERS += ["pnpm@12.21.0", "yarn@1.22.22"]
OLD = {
    "name": "jetty",
    "private": True,
    "type": "module",
    "scripts": {"dev": "vite"},
    "devDependencies": {"vite": "8.0.15"},
}


@pytest.fixture(scope="module")
def app_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app, to be edited."""
    return copy_app(tmp_path_factory.mktemp("tools") / "app")


@pytest.fixture(scope="module")
def project(engine: DockerEngine, checkout: Path, app_dir: Path) -> Iterator[Project]:
    """The project of that app, whose image is built once."""
    project = Project(engine, checkout, APP_DIR=str(app_dir))
    yield project
    project.end()


@pytest.fixture
def terminal(project: Project) -> Iterator[Open]:
    """Opens terminals with a task in them."""
    opened: list[Terminal] = []

    def begin(*args: str) -> Terminal:
        opened.append(Terminal(project, *args))
        return opened[-1]

    yield begin
    for each in opened:
        each.end()


def is_gone(project: Project) -> None:
    """Check that no container is left, though one may take a moment to go."""
    looked = wait_until(lambda: Probe(not project.names(), str(project.names())), limit=10)
    assert looked.ready, looked.status


def test_the_tests_run_again_after_an_edit(project: Project, terminal: Open, app_dir: Path) -> None:
    """`invoke test --watch` runs what an edit on this side touches, takes keys, and Ctrl-C ends it without a fault."""
    task = terminal("test", "--watch")
    task.until(WAITS)
    assert "7 passed" in task.output
    source = app_dir / "src/env.js"
    source.write_text(source.read_text().replace("export", "throw new Error('adrift-5f2c')\nexport", 1))
    task.until("adrift-5f2c", 20)
    source.write_text(source.read_text().replace("throw new Error('adrift-5f2c')\n", ""))
    waited = task.output.count(WAITS)
    looked = wait_until(lambda: Probe(task.output.count(WAITS) > waited), limit=20)
    assert looked.ready, task.output
    (name,) = project.names()
    assert name.startswith(f"{project.name}-dev-test-")
    task.press("\x03")
    assert task.ends() == 0, task.output
    assert "Traceback" not in task.output
    is_gone(project)


@pytest.mark.parametrize("how", ["closed", "killed"])
@pytest.mark.parametrize(("words", "ready"), [(("test", "--watch"), WAITS), (("dev",), "Ctrl-C stops it.")])
def test_nothing_outlives_its_terminal(
    project: Project, terminal: Open, words: tuple[str, ...], ready: str, how: str
) -> None:
    """Its window closed, where nobody can be told any more, or the task alone sent away: nothing runs on."""
    task = terminal(*words)
    task.until(ready)
    if how == "closed":
        task.close()
    else:
        task.process.send_signal(signal.SIGTERM)
    task.ends()
    is_gone(project)


def test_a_shell_has_a_keyboard(project: Project, terminal: Open) -> None:
    """A command typed there is answered by the container; the shell ends with the code of its last one."""
    project.does("dev", "--detach")
    task = terminal("shell")
    task.until("$ ")
    task.press('echo "in $PWD as $(id -u)"; node -p 40+2; exit 7\n')
    assert task.ends() == 7
    assert f"in /home/node/app as {app_owner(project)}" in task.output
    assert "42" in task.output
    project.does("stop")


def app_owner(project: Project) -> int:
    """Who has the app on this side, as whom the container runs."""
    return Path(project.environ["INVOKE_APP_DIR"]).stat().st_uid


@pytest.mark.parametrize("manager", MANAGERS)
def test_an_old_vite_is_replaced_as_advised(
    new_project: NewProject, start: Start, tmp_path: Path, manager: str
) -> None:
    """In the words of the app's own package manager, which `invoke npm` runs: `dev` follows, and no rubbish is left."""
    name, _, wanted = manager.partition("@")
    files = {
        "package.json": json.dumps(OLD | {"packageManager": manager}),
        "index.html": "<!doctype html><title>Jetty</title>\n",
    }
    app = own(write_app(tmp_path / "jetty", files))
    project = new_project(APP_DIR=str(app))
    project.does("npm", "--", "install")
    task = start(project, "dev")
    task.until("Ctrl-C stops it.")
    advised = re.search(r"! Vite 8.0.15 .*: invoke (npm -- .+)", task.output)
    assert advised is not None
    project.does(*advised.group(1).split())
    task.until("Serving with the new dependencies after")
    assert json.loads((app / "package.json").read_text())["devDependencies"]["vite"].endswith("8.0.16")
    used = project.engine.exec(f"{project.name}-dev", [name, "--version"]).output.strip()
    assert f"{used}.".startswith(f"{wanted}.")
    version = ["node", "--print", "require('vite/package.json').version"]
    assert project.engine.exec(f"{project.name}-dev", version).output.strip() == "8.0.16"
    assert {path.name for path in app.iterdir()} == {"package.json", "index.html", "node_modules", LOCK_FILES[name]}
    assert {(path.stat().st_uid, path.stat().st_gid) for path in app.iterdir()} == {OWNER}
    project.does("stop")
