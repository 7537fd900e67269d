"""Dev containers that are run wrongly, and dev servers that let others in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

from docktasks.containers import app_mount
from docktasks.containers.app_mount import user_for
from docktasks.containers.ports import Bind
from docktasks.dev import run_args
from docktasks.dev.run_args import DevRunSpec
from docktasks.engine.client import DockerEngine
from docktasks.verify.catalog import run_checks, select
from docktasks.verify.subject import Subject
from docktasks.waiting import http_ready, wait_until
from tests.engine.apps import copy_app, own
from tests.engine.support import Project, clean_environ, command, docker
from tests.sabotage.spoil import configured

HIDDEN_HISTORY = f"type=tmpfs,target={app_mount.APP_PATH}/.git"
LAX = "server: { allowedHosts: true, cors: true, fs: { strict: false } }, legacy: { skipWebSocketTokenCheck: true }"
OLD = {
    "package.json": json.dumps(
        {"name": "old", "private": True, "type": "module", "scripts": {"dev": "vite", "build": "vite build"},
         "devDependencies": {"vite": "6.0.0"}}
    ),
    "index.html": '<!doctype html><title>old</title><script type="module" src="/main.js"></script><h1>old</h1>',
    "main.js": "import './style.css'\n",
    "style.css": "h1 { color: teal }\n",
}  # fmt: skip
"""An app whose Vite is older than its holes are."""


@dataclass(frozen=True)
class Sabotage:
    """One way to go wrong, and exactly the checks of the group that must fail."""

    name: str
    fails: frozenset[str]
    server: str = ""
    plugin: str = ""
    without: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()
    file: str = ""


SABOTAGES = [
    Sabotage(
        "lets-anybody-in",
        frozenset({"dev.foreign-host", "dev.foreign-origin", "dev.foreign-socket", "dev.leaks"}),
        server=LAX,
    ),
    Sabotage(
        "run-wrongly",
        frozenset({"dev.loopback", "dev.unprivileged", "dev.hot-reload", "dev.owners"}),
        server="server: { hmr: false }",
        without=("--publish", "--user", "--cap-drop"),
        plus=("--publish", "0.0.0.0::3000", "--user", "0:0", "--cap-add", "NET_RAW"),
        file="src/made-by-root.txt",
    ),
    Sabotage(
        "reloads-the-page",
        frozenset({"dev.hot-reload"}),
        plugin="{ name: 'all', handleHotUpdate({ server }) { server.ws.send({ type: 'full-reload' }); return [] } }",
    ),
]
OLD_FAILS = frozenset({"dev.vite", "dev.foreign-host", "dev.foreign-origin", "dev.foreign-socket", "dev.leaks"})
SABOTAGES.append(Sabotage("old", OLD_FAILS))  # by an app of its own, below


@pytest.fixture(scope="module")
def app_of_another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the app with a repository of its own that, where we can give it away, is not root's."""
    app = copy_app(tmp_path_factory.mktemp("dev") / "app")
    assert command(["git", "init", "--quiet"], app, clean_environ()).code == 0
    return own(app)


@pytest.fixture(scope="module")
def afloat(engine: DockerEngine, checkout: Path, app_of_another: Path) -> Iterator[Project]:
    """A project whose dev container serves; each sabotage puts another in its place."""
    yield from serving(Project(engine, checkout, APP_DIR=str(app_of_another)))


@pytest.fixture(scope="module")
def old(engine: DockerEngine, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with an old Vite."""
    app = tmp_path_factory.mktemp("old") / "app"
    app.mkdir()
    for name, text in OLD.items():
        (app / name).write_text(text)
    own(app)
    yield from serving(Project(engine, checkout, APP_DIR=str(app)))


def serving(project: Project) -> Iterator[Project]:
    """A project whose dev container serves."""
    try:
        project.does("dev", "--detach")
        yield project
    finally:
        project.end()


def judged(project: Project) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Outcome and evidence of each check of the dev container."""
    app_dir = project.environ["INVOKE_APP_DIR"]
    found = configured(project)
    found = replace(found, app=replace(found.app, dir=app_dir))
    subject = Subject("", project.engine, dev=project.container("dev"), settings=found)
    before = contents(Path(app_dir))
    verdicts = list(run_checks(subject, select(["dev"])))
    assert contents(Path(app_dir)) == before
    return {verdict.check.id: (verdict.outcome, verdict.evidence) for verdict in verdicts}


def contents(app: Path) -> dict[Path, tuple[int, bytes]]:
    """Every file of an app, with its time and its bytes."""
    files = [path for path in app.rglob("*") if path.is_file() and "node_modules" not in path.parts]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def failed(project: Project) -> dict[str, tuple[str, ...]]:
    """The checks that fail, with their evidence; none is skipped."""
    verdicts = judged(project)
    assert not [name for name, (outcome, _) in verdicts.items() if outcome == "skip"], verdicts
    return {name: evidence for name, (outcome, evidence) in verdicts.items() if outcome == "fail"}


def run(project: Project, sabotage: Sabotage, app: Path, made: ExitStack) -> None:
    """Run the dev container as `invoke dev` does, but for what the sabotage changes, and wait until it answers."""
    found = configured(project)
    found = replace(found, app=replace(found.app, dir=str(app)))
    config = app / "vite.config.js"
    before = config.read_text()
    made.callback(config.write_text, before)
    text = before.replace("answerPings()]", f"answerPings(), {sabotage.plugin}]")
    config.write_text(text.replace("server: { port: 3000 }", sabotage.server or "server: { port: 3000 }"))
    if sabotage.file:
        made.callback((app / sabotage.file).unlink)
        (app / sabotage.file).write_text("")
        os.chown(app / sabotage.file, *((0, 0) if os.geteuid() == 0 else (-1, -1)))
    (volume,) = project.engine.volumes(project.name)
    args = run_args.dev_args(found, Bind(0), DevRunSpec(volume, user_for(project.engine, app)))
    if "dev.leaks" in sabotage.fails:  # what hides the history, too
        args = [arg for arg in args if arg != HIDDEN_HISTORY]
        args = [arg for arg, after in pairwise([*args, ""]) if (arg, after[:2]) != ("--mount", "--")]
    for option in sabotage.without:
        place = args.index(option)
        del args[place : place + 2]
    docker("container", "rm", "--force", found.container("dev"))
    docker(*args[1:-1], *sabotage.plus, args[-1])
    looked = wait_until(lambda: http_ready(project.container("dev").url), limit=20)
    print(*project.logs())
    assert looked.ready, looked.status


@pytest.mark.usefixtures("chromium")
def test_dev_container_passes_every_check(afloat: Project) -> None:
    """As `invoke dev` runs it, it fails no check, and none is skipped."""
    assert judged(afloat) == dict.fromkeys([check.id for check in select(["dev"])], ("pass", ()))


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("sabotage", SABOTAGES[:-1], ids=lambda sabotage: sabotage.name)
def test_sabotage_is_caught(afloat: Project, sabotage: Sabotage, app_of_another: Path, made: ExitStack) -> None:
    """Each way to go wrong fails the checks that are about it, and no other of the dev container's."""
    run(afloat, sabotage, app_of_another, made)
    evidence = failed(afloat)
    assert evidence.keys() == sabotage.fails, evidence
    assert all(evidence.values())
    for name in ("/etc/passwd", "/.env.", "/.git/HEAD") if "dev.leaks" in sabotage.fails else ():
        assert any(name in line for line in evidence["dev.leaks"]), evidence["dev.leaks"]


@pytest.mark.usefixtures("chromium")
def test_old_vite_is_caught(old: Project) -> None:
    """It lets anybody in, and gives away a file outside the app, and the .env in it, by more than one way each."""
    evidence = failed(old)
    assert evidence.keys() == OLD_FAILS, evidence
    for name in ("/etc/passwd", "/.env."):
        assert len([line for line in evidence["dev.leaks"] if name in line]) > 1, evidence["dev.leaks"]
