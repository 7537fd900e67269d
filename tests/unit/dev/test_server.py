from __future__ import annotations

import os
import signal
from pathlib import Path
from threading import Event

import httpx
import pytest

from docktasks import workspace
from docktasks.app import git
from docktasks.app.package import App
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers import app_mount
from docktasks.containers.app_mount import Checkout
from docktasks.dev import file_events, server
from docktasks.dev.run_args import DevRunSpec
from docktasks.dev.server import DevServer
from docktasks.engine.client import DockerEngine
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Image, Published
from docktasks.errors import BuildError, ConflictError, StartError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, impatient, make_app
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.web import Web

DEV = "hello-dock-dev"
INSTALLATION = (
    "image build", "volume create", "volume create", "network create", "container run", "volume rm",
)  # fmt: skip
"""The commands that install into a new volume, in short."""

REFUSED_WATCH = f"file watcher error: {file_events.VITE_LIMIT_MESSAGE}, watch '/home/node/app/main.js'"


@pytest.fixture
def serving(web: Web) -> Web:
    """A network in which every address answers 200."""
    web.serve()
    return web


def lines_of(run: Runner, beginning: str) -> list[str]:
    """Return the commands that begin so."""
    return [line for line in run.lines if line.startswith(beginning)]


@pytest.mark.usefixtures("serving")
def test_up_builds_and_starts_the_container(project: Project, run: Runner, engine: FakeEngine) -> None:
    """The first start builds the image, and installs into a volume, which has a marker until then."""
    dev_server = server.up(project)
    assert [" ".join(args[1:3]) for args in run.ran] == [
        *INSTALLATION, "container run",
    ]  # fmt: skip
    (volume,) = engine.volume_names
    for line in (run.ran[4], run.ran[-1]):
        assert f"type=volume,source={volume},target=/home/node/app/node_modules" in line
    assert (dev_server.url, dev_server.notices) == ("http://127.0.0.1:3000", ())
    assert not dev_server.watch_limit_reached


@pytest.mark.usefixtures("serving")
def test_up_uses_the_volume_of_the_last_start(project: Project, engine: FakeEngine, run: Runner) -> None:
    """Docker's cache decides whether the image is built, and the same lock file has the same volume."""
    server.up(project)
    engine.by_name.clear()
    run.ran.clear()
    server.up(project)
    assert [" ".join(args[1:3]) for args in run.ran] == ["image build", "container run"]


@pytest.mark.usefixtures("serving")
def test_up_after_a_killed_first_start_fills_a_new_volume(project: Project, engine: FakeEngine, run: Runner) -> None:
    """The marker is left, and the container of the installation may still run: both are removed."""
    server.up(project)
    (volume,) = engine.volume_names
    engine.volume_names.append(f"{volume}-filling")
    engine.by_name.clear()
    run.ran.clear()
    server.up(project)
    assert run.lines[1:3] == [
        "docker container rm --force hello-dock-dev-install", f"docker volume rm --force {volume} {volume}-filling",
    ]  # fmt: skip
    assert engine.volume_names == [volume]


@pytest.mark.parametrize("code", [1, 130])
def test_up_keeps_nothing_of_a_failed_installation(
    project: Project, engine: FakeEngine, run: Runner, code: int
) -> None:
    """The error has the package manager's own lines. Nothing is started, and no half filled volume stays."""
    output = "npm error code EUSAGE\nnpm error no lock\nNOT INSTALLED: npm could not install the dependencies"
    run.answers["docker container run --rm --init --name hello-dock-dev-install"] = Result(code, output)
    with pytest.raises(BuildError, match="npm could not install") as caught:
        server.up(project)
    assert caught.value.evidence.startswith("npm error code EUSAGE")
    assert engine.volume_names == []
    assert (engine.by_name, engine.network_store) == ({}, {})


@pytest.mark.usefixtures("serving")
def test_up_asks_git_and_the_engine_at_once(
    settings: Settings, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All questions are begun before the engine has told of an image, and so before the build."""
    begun = [Event(), Event()]
    revision, user = begun

    class SlowEngine(FakeEngine):
        def image(self, reference: str) -> Image | None:
            assert all(question.wait(10) for question in begun)
            return super().image(reference)

    def source(_app: App, _settings: Settings) -> git.Source:
        revision.set()
        return git.Source("1", "abc")

    def user_for(_engine: DockerEngine, _app_dir: Path) -> str:
        user.set()
        return "4711:4712"

    monkeypatch.setattr(git, "source", source)
    monkeypatch.setattr(app_mount, "user_for", user_for)
    slow_engine = SlowEngine(images=engine.image_store)
    run_spec = server.up(Project(Runner(slow_engine), slow_engine, settings)).run_spec
    assert (run_spec.user, run_spec.revision) == ("4711:4712", "abc")


def test_up_requests_the_page_once(project: Project, serving: Web) -> None:
    """A dev server is busy after its first page, so a second request would delay the browser's."""
    server.up(project)
    assert serving.requests == ["http://127.0.0.1:3000/"]


def test_up_returns_the_address_with_the_base_path(project: Project, web: Web) -> None:
    """Vite redirects / to the base path of the app's configuration."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "/shop/"}) if request.url.path == "/" else httpx.Response(200)

    web.answer = answer
    assert server.up(project).url == "http://127.0.0.1:3000/shop/"
    assert web.requests == ["http://127.0.0.1:3000/", "http://127.0.0.1:3000/shop/"]


@pytest.mark.usefixtures("serving")
@pytest.mark.parametrize(
    ("log", "command"),
    [
        ("  VITE v8.3.8  ready in 716 ms", ""),
        ("  \x1b[32m\x1b[1mVITE\x1b[22m v8.0.15\x1b[39m  ready in 7 ms", "invoke npm -- install vite@8.1.7"),
        ("  VITE v7.3.8  ready in 716 ms", ""),
        ("  VITE v7.3.4  ready in 716 ms", "invoke npm -- install vite@7.3.8"),
        ("  VITE v8.4.0-beta.1  ready in 716 ms", "invoke npm -- install vite@8.4.0"),
        ("  ROLLDOWN-VITE v7.1.14  ready in 716 ms", "invoke npm -- install vite@8.1.7"),
        ("  VITE v9.0.0  ready in 716 ms", ""),
        ("vitest v4.1.12, vite v8.", ""),
        ("ready", ""),
    ],
)
def test_up_warns_of_an_unsafe_vite(project: Project, engine: FakeEngine, log: str, command: str) -> None:
    """Vite logs its version when it starts; the notice has the command that installs a safe one."""
    engine.container_logs[DEV] = log
    notices = server.up(project).notices
    assert [notice.endswith(command) for notice in notices] == ([True] if command else [])


@pytest.mark.usefixtures("serving")
@pytest.mark.parametrize("manager", ["pnpm@10.1.0", "yarn@4.9.2"])
def test_up_warns_with_the_command_of_the_apps_package_manager(
    settings: Settings, engine: FakeEngine, run: Runner, manager: str
) -> None:
    """pnpm and yarn call the subcommand add."""
    make_app(settings.root / "shop", packageManager=manager, scripts={"dev": "vite"})
    engine.container_logs[DEV] = "  VITE v8.0.15  ready in 7 ms"
    notices = server.up(Project(run, engine, configured(settings.root, app_dir="shop"))).notices
    assert notices[-1].endswith("invoke npm -- add vite@8.1.7")


@pytest.mark.usefixtures("serving")
def test_up_reports_files_that_vite_cannot_watch(project: Project, engine: FakeEngine) -> None:
    """Vite serves without watching them, so an edit would go unnoticed."""
    engine.container_logs[DEV] = REFUSED_WATCH
    dev_server = server.up(project)
    assert dev_server.watch_limit_reached
    assert dev_server.notices == (file_events.WATCH_LIMIT_NOTICE,)


@pytest.mark.usefixtures("serving")
def test_up_replaces_a_stopped_container(settings: Settings, engine: FakeEngine) -> None:
    """A dev container has no data of its own."""
    stopped = FakeEngine(own_container("dev", state="exited"), images=engine.image_store)
    run = Runner(stopped)
    server.up(Project(run, stopped, settings))
    assert run.lines[0] == f"docker container rm --force {DEV}"
    assert run.verbs[-1] == f"run {DEV}"


@pytest.mark.usefixtures("serving")
@pytest.mark.parametrize(
    ("scripts", "command"),
    [
        ({"dev": "vite"}, "npm run dev -- --host 0.0.0.0 --port 3000 --strictPort"),
        ({"serve": "vite preview", "dev": "npm run go", "go": "vite"}, "npm run dev"),
        ({"serve": "vite", "dev": "vite"}, ""),
    ],
)
def test_up_runs_the_script_serve_or_dev(
    settings: Settings, engine: FakeEngine, run: Runner, scripts: dict[str, str], command: str
) -> None:
    """For an app with the script serve, Dockerfile.dev has the command."""
    make_app(settings.root / "shop", scripts=scripts, dependencies={"vite": "^2.9.5"})
    server.up(Project(run, engine, configured(settings.root, app_dir="shop", dev_host_port="3007")))
    (line,) = lines_of(run, "docker container run --detach")
    assert '"hmr":{"clientPort":3007}' in line
    assert line.partition(" hello-dock:dev")[2].strip() == command


def test_up_refuses_while_the_container_runs(settings: Settings) -> None:
    """The error says where the app is served, since when, and how to stop it. Nothing is built."""
    running = own_container(
        "dev", published=(Published("127.0.0.1", 3000, 3000),), started="2026-11-23T14:20:00.123456789Z"
    )
    running.labels["hello-dock.working-dir"] = "/srv/shop"
    run = Runner()
    with pytest.raises(ConflictError) as caught:
        server.up(Project(run, FakeEngine(running), settings))
    assert str(caught.value) == (
        "The dev container is already running: http://127.0.0.1:3000\n"
        "hello-dock-dev was started at 2026-11-23 14:20:00 UTC for the app in /srv/shop.\n"
        "Open that address, or stop the container first: invoke stop --role=dev"
    )
    assert run.ran == []


def test_up_refuses_while_another_task_holds_the_lock(project: Project, run: Runner) -> None:
    """Two starts at the same time would each remove the other's container."""
    with (
        workspace.project_lock(project.settings.root, project.settings.app.name),
        pytest.raises(ConflictError, match="Another task is changing"),
    ):
        server.up(project)
    assert run.ran == []


def test_up_names_the_owner_of_a_port_in_use(project: Project, run: Runner, engine: FakeEngine) -> None:
    """No container is left, because one that Docker only created would block the next start."""
    run.answers["docker container run --detach"] = Result(125, "port is already allocated")
    with pytest.raises(ConflictError, match=r"Port 3000 on .* is in use"):
        server.up(project)
    assert engine.by_name == {}


@pytest.mark.parametrize("fault", ["exits", "times out"])
def test_up_removes_a_container_that_does_not_serve(
    settings: Settings, engine: FakeEngine, run: Runner, fault: str
) -> None:
    """The error has the last lines of its log."""
    engine.container_logs[DEV] = "SyntaxError: Unexpected token"
    engine.start_states[DEV] = {"state": "exited", "exit_code": 1} if fault == "exits" else {}
    with pytest.raises(StartError) as caught:
        server.up(Project(run, engine, impatient(settings)))
    assert caught.value.evidence == "SyntaxError: Unexpected token"
    assert run.lines[-2:] == [f"docker container rm --force {DEV}", f"docker network rm {DEV}"]
    assert (engine.by_name, engine.network_store) == ({}, {})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_removes_the_container_when_it_is_interrupted(
    project: Project, engine: FakeEngine, web: Web, number: signal.Signals
) -> None:
    """Ctrl-C, a polite kill and a closed terminal leave no container; the signals then work as before."""

    def interrupt(_request: httpx.Request) -> httpx.Response:
        os.kill(os.getpid(), number)
        return httpx.Response(503)

    web.answer = interrupt
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        server.up(project)
    assert engine.by_name == {}
    assert signal.getsignal(number) is before


def test_up_names_the_checkouts_files_in_an_error(project: Project, engine: FakeEngine) -> None:
    """The container's paths do not exist on this machine."""
    engine.container_logs[DEV] = "failed to load config from /home/node/app/vite.config.js"
    engine.start_states[DEV] = {"state": "exited", "exit_code": 1}
    with pytest.raises(StartError) as caught:
        server.up(project)
    assert caught.value.evidence == f"failed to load config from {project.settings.app_dir}/vite.config.js"


@pytest.mark.parametrize(
    ("log", "is_kept"),
    [("Error: Cannot find module '@rolldown/binding-linux-x64-gnu'", False), ("SyntaxError: Unexpected token", True)],
)
def test_up_discards_a_volume_that_lacks_a_package(
    project: Project, engine: FakeEngine, *, log: str, is_kept: bool
) -> None:
    """An installation by hand in the container can leave it incomplete. The next start installs again."""
    engine.container_logs[DEV] = log
    engine.start_states[DEV] = {"state": "exited", "exit_code": 1}
    with pytest.raises(StartError):
        server.up(project)
    assert any("-modules-" in name for name in engine.volume_names) is is_kept


@pytest.mark.parametrize(
    ("log", "state", "why"),
    [
        ("done", {"state": "exited", "exit_code": 0}, "The script ended, so it starts no server."),
        ("  \x1b[32m➜\x1b[39m  Local:   http://localhost:\x1b[1m5173\x1b[22m/", {},
         "A server listens on port 5173 of the container: --host and --port did not reach it."),
        ("  ➜  Local:   http://localhost:3000/", {}, "Its last log lines are above."),
        ("Error: Port 3000 is already in use", {"state": "exited", "exit_code": 1},
         "The script starts two dev servers. Both get port 3000, because only that is published."),
    ],
)  # fmt: skip
def test_up_explains_a_script_that_starts_no_server_on_the_port(
    settings: Settings, engine: FakeEngine, log: str, state: dict[str, object], why: str
) -> None:
    """package.json does not tell what every program does, so the wait ends without a page."""
    engine.container_logs[DEV] = log
    engine.start_states[DEV] = state
    with pytest.raises(StartError) as caught:
        server.up(Project(Runner(engine), engine, impatient(settings)))
    assert caught.value.why == why


def test_up_explains_a_vite_that_ends_for_lack_of_watches(project: Project, engine: FakeEngine) -> None:
    """Vite names an error of the kernel; the message names the setting to raise."""
    engine.container_logs[DEV] = REFUSED_WATCH
    engine.start_states[DEV] = {"state": "exited", "exit_code": 1}
    with pytest.raises(StartError, match="max_user_watches") as caught:
        server.up(project)
    assert caught.value.evidence == f"Vite reports: {file_events.VITE_LIMIT_MESSAGE}"


def test_dry_up_shows_commands_and_changes_nothing(settings: Settings) -> None:
    """Under --dry the engine is not asked, and no folder is created in the checkout."""
    run = Runner(dry=True)
    assert server.up(Project(run, DryRunEngine("hello-dock"), settings)).url == ""
    assert [" ".join(args[1:3]) for args in run.ran] == [
        *INSTALLATION, "container run",
    ]  # fmt: skip
    assert not (settings.app_dir / "node_modules").exists()


@pytest.mark.usefixtures("serving")
def test_recreate_replaces_the_container_on_the_same_port(settings: Settings, engine: FakeEngine) -> None:
    """The new container has another volume; user and polling stay, because the checkout is the same."""
    running = FakeEngine(
        own_container("dev", published=(Published("127.0.0.1", 3007, 3000),)), images=engine.image_store
    )
    running.start_states[DEV] = {}
    run = Runner(running)
    spec = DevRunSpec(Checkout(settings.app_dir), "hello-dock-modules-1", "7:7", polling=True)
    old = DevServer("http://127.0.0.1:3007", spec)
    new = server.recreate(Project(run, running, settings), old)
    assert [" ".join(args[1:3]) for args in run.ran] == [
        *INSTALLATION, "container rm", "container run",
    ]  # fmt: skip
    (line,) = lines_of(run, "docker container run --detach")
    assert "--publish 127.0.0.1:3007:3000" in line
    assert "--user 7:7" in line
    assert "CHOKIDAR_USEPOLLING=true" in line
    assert new.run_spec.volume != old.run_spec.volume


def test_recreate_keeps_the_container_when_the_installation_fails(settings: Settings, engine: FakeEngine) -> None:
    """The dev server goes on with the dependencies that it has."""
    running = FakeEngine(own_container("dev"), images=engine.image_store)
    failure = Result(1, "npm error notarget\nNOT INSTALLED: npm could not install the dependencies")
    run = Runner(running, {"docker container run --rm": failure})
    old = DevServer("", DevRunSpec(Checkout(settings.app_dir), "v", "7:7"))
    with pytest.raises(BuildError, match="npm could not install"):
        server.recreate(Project(run, running, settings), old)
    assert running.by_name[DEV].state == "running"


@pytest.mark.usefixtures("serving")
def test_recreate_reads_package_json_again(settings: Settings, engine: FakeEngine, run: Runner) -> None:
    """A script that was renamed with the dependencies is the one that runs."""
    shop = make_app(settings.root / "shop", scripts={"serve": "vite"})
    project = Project(run, engine, configured(settings.root, app_dir="shop"))
    dev_server = server.up(project)
    (shop / "package.json").write_text('{"scripts": {"dev": "vite"}}')
    server.recreate(project, dev_server)
    line = lines_of(run, "docker container run")[-1]
    assert "npm run dev" in line
