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
from docktasks.dev import file_events, node_modules, server
from docktasks.engine.client import DockerEngine
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Container, Image
from docktasks.errors import ConflictError, StartError
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, Runner, Web, configured, impatient, make_app, ours

NODE = {"node:lts-alpine": Image("sha256:node")}
IMAGE = Image("sha256:1", environment={"NODE_VERSION": "26.10.0"}, architecture="amd64")

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")


def up(settings: Settings, engine: FakeEngine | None = None) -> Runner:
    """What `invoke dev` ran."""
    engine = engine or FakeEngine(images=NODE)
    run = Runner(engine)
    server.up(Project(run, engine, settings))
    return run


def test_the_first_start(settings: Settings, web: Web) -> None:
    """The image is built, a labelled volume made, the container started; its address comes back."""
    web.serve()
    engine = FakeEngine(images=NODE)
    run = Runner(engine)
    serving = server.up(Project(run, engine, settings))
    volume = node_modules.volume_name(settings, App.load(settings).package_manager, engine.known["hello-dock:dev"])
    assert [" ".join(args[1:3]) for args in run.ran] == [
        "image build", "volume create", "volume create", "container run", "volume rm",
    ]  # fmt: skip
    labels = "--label hello-dock.project=hello-dock --label hello-dock.role=modules"
    assert run.lines[2] == f"docker volume create {labels} {volume}"
    assert f"type=volume,source={volume},target=/home/node/app/node_modules" in run.ran[3]
    assert (serving.url, serving.notices) == ("http://127.0.0.1:3000", ())


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout that is not root's, on a file system whose events arrive."""
    monkeypatch.setattr(app_mount, "user_for", lambda _engine, _folder: "1000:1000")
    monkeypatch.setattr(file_events, "polling_reason", lambda _engine, _folder: "")


def test_roots_checkout_is_said(settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner writes into it, so root does; on a rootless engine uid 0 is somebody else, and nothing is said."""
    web.serve()
    monkeypatch.setattr(app_mount, "user_for", lambda _engine, _folder: "0:0")
    engine = FakeEngine(images=NODE)
    (notice,) = server.up(Project(Runner(engine), engine, settings)).notices
    assert notice == "The checkout is root's, so the container runs as root, with no capability"
    engine = FakeEngine(images=NODE)
    engine.rootless = True
    assert server.up(Project(Runner(engine), engine, settings)).notices == ()


@pytest.mark.parametrize("heard", [True, False])
def test_polling_is_for_where_events_do_not_arrive(
    settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch, *, heard: bool
) -> None:
    """Where they may not, it is tried; and polling is said."""
    web.serve()
    monkeypatch.setattr(file_events, "polling_reason", lambda _engine, _folder: "the checkout is on fuse")
    monkeypatch.setattr(file_events, "events_arrive", lambda *_: heard)
    engine = FakeEngine(images=NODE)
    run = Runner(engine)
    notices = server.up(Project(run, engine, settings)).notices
    assert [notice for notice in notices if "the checkout is on fuse" in notice] == list(notices)
    assert bool(notices) is not heard
    assert ("CHOKIDAR_USEPOLLING=true" in " ".join(map(" ".join, run.ran))) is not heard


def test_a_checkout_for_reading_is_served_in_parts(
    settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no node_modules and none can be made; what that means is said."""
    web.serve()
    monkeypatch.setattr(app_mount, "make_mountpoint", lambda _folder: False)
    engine = FakeEngine(images=NODE)
    run = Runner(engine)
    (notice,) = server.up(Project(run, engine, settings)).notices
    assert "is for reading alone" in notice
    assert f"type=bind,source={settings.app_dir}/package.json,target=/home/node/app/package.json,readonly" in run.ran[3]


def test_an_interrupted_first_start_is_begun_anew(settings: Settings, web: Web) -> None:
    """Docker would take the half filled volume for a full one."""
    web.serve()
    engine = FakeEngine(images=NODE)
    run = Runner(engine, {"docker container run": Result(137, "killed")})
    with pytest.raises(StartError):
        server.up(Project(run, engine, settings))
    (mark, volume) = engine.made_volumes
    assert mark == f"{volume}-filling"
    lines = up(settings, engine).lines
    assert f"docker volume rm --force {volume} {mark}" in lines
    assert engine.made_volumes == [volume]


@pytest.mark.parametrize(
    ("log", "notice"),
    [
        ("  VITE v8.3.8  ready in 716 ms", ""),
        ("  \x1b[32m\x1b[1mVITE\x1b[22m v8.0.15\x1b[39m  ready in 7 ms", "invoke npm -- install vite@8.0.16"),
        ("  VITE v7.3.5  ready in 716 ms", ""),
        ("  VITE v7.3.4  ready in 716 ms", "invoke npm -- install vite@7.3.5"),
        ("  VITE v5.4.0  ready in 716 ms", "invoke npm -- install vite@6.4.3"),
        ("  VITE v9.0.0  ready in 716 ms", ""),
        ("ready", ""),
    ],
)
def test_an_old_vite_is_warned_about(settings: Settings, web: Web, log: str, notice: str) -> None:
    """By what it says at its start; with the command that takes the fixed version."""
    web.serve()
    engine = FakeEngine(images=NODE)
    engine.logged["hello-dock-dev"] = log
    notices = server.up(Project(Runner(engine), engine, settings)).notices
    assert [each.endswith(notice) for each in notices] == ([True] if notice else [])


@pytest.mark.parametrize("manager", ["pnpm@10.1.0", "yarn@4.9.2"])
def test_an_old_vite_is_replaced_by_its_own_package_manager(settings: Settings, web: Web, manager: str) -> None:
    """Which has another word for it."""
    web.serve()
    make_app(settings.root / "shop", packageManager=manager, scripts={"dev": "vite"})
    engine = FakeEngine(images=NODE)
    engine.logged["hello-dock-dev"] = "  VITE v8.0.15  ready in 7 ms"
    notices = server.up(Project(Runner(engine), engine, configured(settings.root, app_dir="shop"))).notices
    assert notices[-1].endswith("invoke npm -- add vite@8.0.16")


def test_others_are_asked_at_once(settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """What git and the engine say is asked for while the first answer of the engine is still waited for."""
    web.serve()
    asked = [Event(), Event(), Event()]
    tags, revision, user = asked

    class Slow(FakeEngine):
        @property
        def image_ids(self) -> dict[str, str]:
            tags.set()
            return super().image_ids

        def container(self, name: str) -> Container | None:
            assert all(each.wait(10) for each in asked)
            return super().container(name)

    def source(_app: App, _settings: Settings) -> git.Source:
        revision.set()
        return git.Source("1", "abc")

    def user_for(_engine: DockerEngine, _folder: Path) -> str:
        user.set()
        return "4711:4712"

    monkeypatch.setattr(git, "source", source)
    monkeypatch.setattr(app_mount, "user_for", user_for)
    engine = Slow(images=NODE)
    given = server.up(Project(Runner(engine), engine, settings)).given
    assert (given.user, given.revision) == ("4711:4712", "abc")


def test_the_page_is_asked_for_once(settings: Settings, web: Web) -> None:
    """A second request would wait for all that a dev server loads when it has given out the first page."""
    web.serve()
    up(settings)
    assert web.asked == ["http://127.0.0.1:3000/"]


def test_the_address_has_the_base_path(settings: Settings, web: Web) -> None:
    """Vite sends everyone there who asks for /."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "/shop/"}) if request.url.path == "/" else httpx.Response(200)

    web.answer = answer
    engine = FakeEngine(images=NODE)
    assert server.up(Project(Runner(engine), engine, settings)).url == "http://127.0.0.1:3000/shop/"
    assert web.asked == ["http://127.0.0.1:3000/", "http://127.0.0.1:3000/shop/"]


def test_a_kernel_that_lets_too_little_be_watched_is_told(settings: Settings) -> None:
    """Vite says it by a name of the kernel's."""
    engine = FakeEngine(images=NODE)
    engine.logged["hello-dock-dev"] = "Error: ENOSPC: System limit for number of file watchers reached, watch '/x'"
    engine.births["hello-dock-dev"] = {"state": "exited", "exit_code": 1}
    with pytest.raises(StartError, match="max_user_watches"):
        server.up(Project(Runner(engine), engine, settings))


def test_files_that_are_not_watched_are_told(settings: Settings, web: Web) -> None:
    """Vite goes on without them."""
    web.serve()
    engine = FakeEngine(images=NODE)
    engine.logged["hello-dock-dev"] = f"file watcher error: {file_events.REFUSED}, watch '/home/node/app/main.js'"
    assert server.up(Project(Runner(engine), engine, settings)).notices == (file_events.UNSEEN,)


def test_a_failure_names_the_files_of_the_checkout(settings: Settings) -> None:
    """Those of the container lead nowhere."""
    engine = FakeEngine(images=NODE)
    engine.logged["hello-dock-dev"] = "failed to load config from /home/node/app/vite.config.js"
    engine.births["hello-dock-dev"] = {"state": "exited", "exit_code": 1}
    with pytest.raises(StartError) as caught:
        server.up(Project(Runner(engine), engine, settings))
    assert caught.value.evidence == f"failed to load config from {settings.app_dir}/vite.config.js"


def test_a_volume_that_is_there_is_used(settings: Settings, web: Web) -> None:
    """The dependencies are not installed anew at every start."""
    web.serve()
    engine = FakeEngine(images=NODE)
    up(settings, engine)
    engine.held.clear()
    assert not [line for line in up(settings, engine).lines if line.startswith("docker volume create")]


def test_every_start_builds_the_image(settings: Settings, web: Web, engine: FakeEngine) -> None:
    """Docker's cache decides whether a step of the Dockerfile runs again."""
    web.serve()
    for _ in range(2):
        lines = up(settings, engine).lines
        assert len([line for line in lines if line.startswith("docker image build")]) == 1
        engine.held.clear()


def test_a_start_that_fails_removes_no_volume(settings: Settings) -> None:
    """What was there before a fault is there after it."""
    engine = FakeEngine(images=NODE)
    engine.made_volumes = ["hello-dock-modules-1"]
    run = Runner(engine, {"docker container run": Result(125, "port is already allocated")})
    with pytest.raises(ConflictError):
        server.up(Project(run, engine, settings))
    assert "hello-dock-modules-1" in engine.made_volumes


def test_a_second_task_is_refused_before_it_does_anything(settings: Settings) -> None:
    """Two starts at once would each remove the other's container."""
    run = Runner()
    with workspace.project_lock(settings), pytest.raises(ConflictError, match="Another task is changing"):
        server.up(Project(run, FakeEngine(images=NODE), settings))
    assert run.ran == []


def test_a_stand_in_is_told(settings: Settings, web: Web) -> None:
    """Whoever gets one is told."""
    web.serve()
    tag = "hello-dock-base-node:26.10.0"
    engine = FakeEngine(images={tag: Image("sha256:0", tags=(tag,), labels={"hello-dock.standin": "node:lts-alpine"})})
    (notice,) = server.up(Project(Runner(engine), engine, settings)).notices
    assert notice.startswith(f"Built on {tag}, which stands in for node:lts-alpine")


def test_one_that_runs_already_is_left_alone(settings: Settings) -> None:
    """The message says where it serves, since when, and how to stop it; nothing is built."""
    running = ours("dev", addresses=(("127.0.0.1", 3000, 3000),), started="2026-11-23T14:20:00.123456789Z")
    run = Runner()
    with pytest.raises(ConflictError) as caught:
        server.up(Project(run, FakeEngine(running), settings))
    assert str(caught.value) == (
        "The dev container runs already: http://127.0.0.1:3000\n"
        "It is hello-dock-dev, started 2026-11-23 14:20:00 UTC.\n"
        "Use it there, or stop it first: invoke stop --role=dev"
    )
    assert run.ran == []


def test_a_stopped_one_is_replaced(settings: Settings, web: Web) -> None:
    """A dev container holds nothing worth keeping."""
    web.serve()
    run = up(settings, FakeEngine(ours("dev", state="exited"), images=NODE))
    assert run.lines[0] == "docker container rm --force hello-dock-dev"
    assert run.verbs[-2] == "run hello-dock-dev"


def test_an_app_without_serve_runs_dev(settings: Settings, web: Web) -> None:
    """Vite's own templates have `dev`; it is given the port that is published."""
    web.serve()
    make_app(settings.root / "shop", scripts={"dev": "vite"})
    run = up(configured(settings.root, app_dir="shop"))
    assert run.ran[-2][-9:] == ["npm", "run", "dev", "--", "--host", "0.0.0.0", "--port", "3000", "--strictPort"]  # noqa: S104


def test_an_app_with_serve_runs_what_the_image_runs(settings: Settings, web: Web) -> None:
    """The image's own command stands in Dockerfile.dev alone."""
    web.serve()
    assert up(settings).ran[-2][-1] == "hello-dock:dev"


@pytest.mark.parametrize("fault", ["exits", "times out"])
def test_one_that_does_not_come_up_is_removed(settings: Settings, fault: str) -> None:
    """Its last lines are shown first."""
    engine = FakeEngine(images=NODE)
    engine.logged["hello-dock-dev"] = "Error: Cannot find module 'vite'"
    engine.births["hello-dock-dev"] = {"state": "exited", "exit_code": 1} if fault == "exits" else {}
    run = Runner(engine)
    with pytest.raises(StartError) as caught:
        server.up(Project(run, engine, impatient(settings)))
    assert caught.value.evidence == "Error: Cannot find module 'vite'"
    assert run.lines[-1] == "docker container rm --force hello-dock-dev"
    assert engine.held == {}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_that_is_interrupted_while_it_starts_is_removed(settings: Settings, web: Web, sent: signal.Signals) -> None:
    """Ctrl-C, a polite kill and a closed terminal leave nothing behind."""

    def interrupt(_request: httpx.Request) -> httpx.Response:
        os.kill(os.getpid(), sent)
        return httpx.Response(503)

    web.answer = interrupt
    engine = FakeEngine(images=NODE)
    before = signal.getsignal(sent)
    with pytest.raises(KeyboardInterrupt):
        server.up(Project(Runner(engine), engine, settings))
    assert engine.held == {}
    assert signal.getsignal(sent) is before


def test_a_dry_start_asks_and_makes_nothing(settings: Settings) -> None:
    """Under --dry the commands are shown, and the checkout stays as it is."""
    run = Runner(dry=True)
    assert server.up(Project(run, DryRunEngine("hello-dock"), settings)).url == ""
    assert [args[:3] for args in run.ran] == [
        ["docker", "image", "build"],
        ["docker", "volume", "create"],
        ["docker", "volume", "create"],
        ["docker", "container", "run"],
        ["docker", "volume", "rm"],
    ]
    assert not (settings.app_dir / "node_modules").exists()


def test_a_taken_port_is_told_and_nothing_is_left(settings: Settings) -> None:
    """A container that Docker only created would block the next start."""
    engine = FakeEngine(images=NODE)
    run = Runner(engine, {"docker container run": Result(125, "port is already allocated")})
    with pytest.raises(ConflictError, match=r"Port 3000 on .* is in use"):
        server.up(Project(run, engine, settings))
    assert engine.held == {}
