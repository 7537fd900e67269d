"""Sabotage of how a dev container is run, and of its dev server."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.checkout import copy_app
from docktasks.containers import app_mount
from docktasks.containers.app_mount import Checkout, user_for
from docktasks.containers.ports import Bind
from docktasks.dev import run_args
from docktasks.dev.run_args import DevRunSpec
from docktasks.engine.client import DockerEngine
from docktasks.settings import Settings
from docktasks.verify.catalog import run_checks, select
from docktasks.verify.subject import Subject
from docktasks.waiting import http_ready, wait_until
from tests.sabotage.faults import verified, without_options
from tests.support.checkouts import chown_tree
from tests.support.commands import clean_environ, docker, run_command
from tests.support.long_forms import long
from tests.support.project import ProjectUnderTest

OLD_BUILD = "/tmp/dist"  # noqa: S108 - the container's own
PREVIEW = f"--outDir {OLD_BUILD} --host 0.0.0.0 --port 3000"
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
"""An app with a Vite that has known security holes."""


@dataclass(frozen=True)
class Sabotage:
    """One deliberate fault, and exactly the checks of the dev container that must fail.

    The fault is in vite.config (`server`, `plugin`); or in options of `docker container run` that are left out
    (`without`) or added (`plus`); or it is the `command`, a `file` that root owns, a `link` to a folder of the
    container, another network that the container `joins`, or in other files (`edits`: path, text, new text; a new file
    had no text). `skips` are the checks that then have nothing to judge. `evidence` has parts of lines that must be
    there.
    """

    name: str
    fails: frozenset[str]
    server: str = ""
    plugin: str = ""
    without: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()
    file: str = ""
    joins: str = ""
    command: tuple[str, ...] = ()
    skips: frozenset[str] = frozenset()
    link: tuple[str, str] = ("", "")
    edits: tuple[tuple[str, str, str], ...] = ()
    evidence: tuple[str, ...] = ()


FILES = """{
    name: 'files',
    configureServer(server) {
        const fs = process.getBuiltinModule('node:fs')
        process.getBuiltinModule('node:net').createServer().listen(4444)
        server.middlewares.use('/files', (request, response) => response.end(fs.readFileSync(request.url)))
        server.middlewares.use('/show', (request, response) => {
            const name = new URL(request.url, 'http://h').searchParams.get('name')
            response.end(fs.readFileSync(name ?? '/dev/null'))
        })
    },
}"""
"""A plugin that serves every file of the container, and listens at another port."""
KEEPS = """(() => {
    let page
    const keep = (request, response, next) => {
        const set = response.setHeader.bind(response)
        const isOwn = request.url.startsWith('/src/')
        response.setHeader = (name, value) => set(name, name === 'Cache-Control' && isOwn ? 'max-age=60' : value)
        next()
    }
    return {
        name: 'keeps',
        configureServer(server) { server.middlewares.use(keep) },
        transformIndexHtml: { order: 'pre', handler: (html) => page ??= html },
    }
})()"""
"""A plugin that serves the first page for ever, and lets browsers keep the app's modules."""
RESTLESS = """{
    name: 'restless',
    enforce: 'post',
    configureServer: ({ ws }) => void setInterval(() => ws.send({ type: 'update', updates: [] }), 900),
    transform: (code, id) => id.endsWith('.ts') ? { code, map: { mappings: '' } } : undefined,
}"""
"""A plugin that asks pages for updates without end, and leaves out the map of what Vite has translated."""


SABOTAGES = [
    Sabotage(
        "lets-anybody-in",
        frozenset({"dev.foreign-host", "dev.foreign-origin", "dev.foreign-socket", "dev.leaks"}),
        server=LAX,
    ),
    Sabotage(
        "run-wrongly",
        frozenset(
            {
                "dev.loopback",
                "dev.network",
                "dev.options",
                "dev.unprivileged",
                "dev.hot-reload",
                "dev.file-owners",
            }
        ),
        server="server: { hmr: false }",
        without=("--network", "--publish", "--user", "--cap-drop"),
        plus=("--publish", "0.0.0.0::3000", "--user", "0:0", "--cap-add", "NET_RAW", "--volume", "/etc:/mnt:ro"),
        file="src/made-by-root.txt",
    ),
    Sabotage(
        "reloads-the-page",
        frozenset({"dev.network", "dev.hot-reload"}),
        joins="bridge",
        plugin="{ name: 'all', handleHotUpdate({ server }) { server.ws.send({ type: 'full-reload' }); return [] } }",
    ),
    Sabotage(
        "shares-with-the-host",
        frozenset({"dev.options", "dev.unprivileged", "dev.foreign-host", "dev.foreign-origin"}),
        server="server: { allowedHosts: ['.com'], cors: { origin: /localhost/ } }",
        plus=(
            "--volume",
            "/etc:/mnt:ro",
            "--env",
            "NODE_OPTIONS=--no-deprecation",
            "--security-opt",
            "seccomp=unconfined",
        ),
    ),
    Sabotage(
        "serves-the-container",
        frozenset({"dev.foreign-host", "dev.leaks", "dev.network", "dev.page", "dev.packages"}),
        server="server: { allowedHosts: ['.io'], fs: { allow: ['.', '/usr'] } }",
        plugin=FILES,
        link=("public/more", "/etc"),
        edits=(
            ("src/main.js", "import", "setTimeout(() => { throw new Error('sunk') }, 300)\nimport"),
            (
                "package-lock.json",
                '"node_modules/vue": {\n      "version": "',
                '"node_modules/vue": {\n      "version": "0',
            ),
        ),
        evidence=(
            "Host hello-dock-stranger.io",
            "/@fs/usr/",
            "/more/",
            "/files/etc/passwd",
            "/show?name=/etc/passwd",
            "port 4444",
            "uncaught: Error: sunk",
            "/vue: ",
        ),
    ),
    Sabotage("sees-no-edit", frozenset({"dev.source", "dev.hot-reload"}), server="server: { watch: null }"),
    Sabotage(
        "sees-edits-of-styles-only",
        frozenset({"dev.source", "dev.page"}),
        server="server: { watch: { ignored: ['**/*.vue'] } }",
        edits=(("src/views/ImageView.vue", "import", "import Lost from '../Lost.vue'\nimport"),),
        skips=frozenset({"dev.hot-reload"}),
        evidence=(".vue is not served", "/src/views/ImageView.vue: 500, when"),
    ),
    Sabotage(
        "keeps-what-it-has-served",
        frozenset({"dev.source"}),
        server="server: { watch: { ignored: ['**/*.json'] } }",
        plugin=KEEPS,
        edits=(("src/data.json", "", '{ "a": 1 }'), ("src/main.js", "import", "import './data.json'\nimport")),
        evidence=("/: an edit of", "/src/data.json?import: an edit of", "max-age=60"),
    ),
    Sabotage(
        "asks-for-updates-without-maps",
        frozenset({"dev.hot-reload", "dev.options", "dev.source"}),
        plugin=RESTLESS,
        plus=("--env", "TZ=Asia/Tokyo"),
        edits=(
            ("src/tool.ts", "", "export const a: number = 1"),
            ("src/main.js", "import", "import './tool.ts'\nimport"),
        ),
        evidence=("an update again and again", "/src/tool.ts: no source map", "--env TZ"),
    ),
    Sabotage(
        "serves-an-old-build",
        frozenset({"dev.source"}),
        command=("sh", "-c", f"npx vite build --outDir {OLD_BUILD} && npx vite preview {PREVIEW}"),
        skips=frozenset({"dev.hot-reload"}),
    ),
]
OLD_FAILS = frozenset({"dev.vite-version", "dev.foreign-host", "dev.foreign-origin", "dev.foreign-socket", "dev.leaks"})
SABOTAGES.append(Sabotage("old", OLD_FAILS))  # it has an app and a test of its own
FURTHER = {"reloads-the-page", "sees-edits-of-styles-only", "serves-an-old-build", "shares-with-the-host"}
"""Each check that these fail has another sabotage."""


@pytest.fixture(scope="module")
def app_of_owner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the app with a git repository. It does not belong to root, where we can change the owner."""
    app = copy_app(tmp_path_factory.mktemp("dev") / "app")
    assert run_command(["git", "init", "--quiet"], app, clean_environ()).code == 0
    return chown_tree(app)


@pytest.fixture(scope="module")
def dev_project(engine: DockerEngine, checkout: Path, app_of_owner: Path) -> Iterator[ProjectUnderTest]:
    """A project whose dev container serves. Each sabotage replaces the container."""
    yield from serving(ProjectUnderTest(engine, checkout, APP_DIR=str(app_of_owner)))


@pytest.fixture(scope="module")
def old_project(
    engine: DockerEngine, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ProjectUnderTest]:
    """A project with an old Vite, whose dev container serves."""
    app = tmp_path_factory.mktemp("old") / "app"
    app.mkdir()
    for name, text in OLD.items():
        (app / name).write_text(text)
    chown_tree(app)
    yield from serving(ProjectUnderTest(engine, checkout, APP_DIR=str(app)))


def serving(project: ProjectUnderTest) -> Iterator[ProjectUnderTest]:
    """Start the project's dev container, and end the project afterwards."""
    try:
        project.succeeds("dev", "--detach")
        yield project
    finally:
        project.end()


def settings_with_app(project: ProjectUnderTest, app: str) -> Settings:
    """The project's settings, with the app in this folder."""
    settings = project.settings()
    return replace(settings, app=replace(settings.app, dir=app))


def results(project: ProjectUnderTest) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Outcome and evidence of each check of the dev container. The checks leave the app's files as they were."""
    app = project.environ["INVOKE_APP_DIR"]
    subject = Subject("", verified(project, settings_with_app(project, app)), dev=project.container("dev"))
    before = contents(Path(app))
    verdicts = list(run_checks(subject, select(["dev"])))
    assert contents(Path(app)) == before
    return {verdict.check.id: (verdict.outcome, verdict.evidence) for verdict in verdicts}


def contents(app: Path) -> dict[Path, tuple[int, bytes]]:
    """Time and bytes of every file of an app."""
    files = [path for path in app.rglob("*") if path.is_file() and "node_modules" not in path.parts]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def failures(project: ProjectUnderTest, skips: frozenset[str] = frozenset()) -> dict[str, tuple[str, ...]]:
    """The checks that fail, with their evidence. No other check may be skipped."""
    outcomes = results(project)
    assert {check_id for check_id, (outcome, _) in outcomes.items() if outcome == "skip"} == skips, outcomes
    return {check_id: evidence for check_id, (outcome, evidence) in outcomes.items() if outcome == "fail"}


def apply(sabotage: Sabotage, app: Path, cleanup: ExitStack) -> None:
    """Change the app's files as the sabotage says, until the cleanup."""
    config = app / "vite.config.js"
    before = config.read_text()
    cleanup.callback(config.write_text, before)
    text = before.replace("answerPings()]", f"answerPings(), {sabotage.plugin}]")
    config.write_text(text.replace("server: { port: 3000 }", sabotage.server or "server: { port: 3000 }"))
    for name, old, new in sabotage.edits:
        file, content = app / name, (app / name).read_text() if old else ""
        assert old in content
        cleanup.callback(*((file.write_text, content) if old else (file.unlink,)))
        file.write_text(content.replace(old, new, 1))
        os.chown(file, app.stat().st_uid, app.stat().st_gid)
    if sabotage.link[0]:
        link = app / sabotage.link[0]
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(sabotage.link[1])
        cleanup.callback(link.unlink)
        os.lchown(link, app.stat().st_uid, app.stat().st_gid)
    if sabotage.file:
        cleanup.callback((app / sabotage.file).unlink)
        (app / sabotage.file).write_text("")
        os.chown(app / sabotage.file, *((0, 0) if os.geteuid() == 0 else (-1, -1)))


def start(project: ProjectUnderTest, sabotage: Sabotage, app: Path) -> None:
    """Run the dev container as `invoke dev` does, apart from the sabotage, and wait until it answers."""
    settings = settings_with_app(project, str(app))
    (volume,) = project.node_modules_volumes()
    args = run_args.dev_args(settings, Bind(0), DevRunSpec(Checkout(app), volume, user_for(project.engine, app)))
    if sabotage.server == LAX:  # without the mount that hides .git
        args = [arg for arg in args if arg != HIDDEN_HISTORY]
        args = [arg for arg, after in pairwise([*args, ""]) if (arg, after[:2]) != ("--mount", "--")]
    args = without_options(args, sabotage.without)
    docker("container", "rm", "--force", settings.container("dev"))
    docker(*args[1:-1], *sabotage.plus, args[-1], *sabotage.command)
    if sabotage.joins:
        docker("network", "connect", sabotage.joins, settings.container("dev"))
    probe = wait_until(lambda: http_ready(project.container("dev").url), limit=60)
    print(*project.logs())
    assert probe.ready, probe.status


@pytest.mark.long  # tests/engine/verify has a healthy dev container
@pytest.mark.usefixtures("chromium")
def test_dev_container_passes_every_check(dev_project: ProjectUnderTest) -> None:
    """No check fails or is skipped on a container that `invoke dev` started."""
    assert results(dev_project) == dict.fromkeys([check.id for check in select(["dev"])], ("pass", ()))


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize(
    "sabotage",
    [long(sabotage) if sabotage.name in FURTHER else sabotage for sabotage in SABOTAGES[:-1]],
    ids=lambda sabotage: sabotage.name,
)
def test_sabotage_is_caught(
    dev_project: ProjectUnderTest, sabotage: Sabotage, app_of_owner: Path, cleanup: ExitStack
) -> None:
    """Exactly the expected checks of the dev container fail."""
    apply(sabotage, app_of_owner, cleanup)
    start(dev_project, sabotage, app_of_owner)
    evidence = failures(dev_project, sabotage.skips)
    assert evidence.keys() == sabotage.fails, evidence
    assert all(evidence.values())
    lines = [line for part in evidence.values() for line in part]
    assert [part for part in sabotage.evidence if not any(part in line for line in lines)] == [], lines
    for name in ("/etc/passwd", "/.env.", "/.git/HEAD") if sabotage.server == LAX else ():
        assert any(name in line for line in evidence["dev.leaks"]), evidence["dev.leaks"]


@pytest.mark.usefixtures("chromium")
def test_old_vite_is_caught(old_project: ProjectUnderTest) -> None:
    """It accepts foreign hosts and origins, and gives away files outside the app and the .env in it."""
    evidence = failures(old_project, frozenset({"dev.packages"}))  # the app has no lock file
    assert evidence.keys() == OLD_FAILS, evidence
    for name in ("/etc/passwd", "/.env."):
        assert len([line for line in evidence["dev.leaks"] if name in line]) > 1, evidence["dev.leaks"]
