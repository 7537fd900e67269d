from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from docktasks.app.package import App
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers.app_mount import Checkout
from docktasks.dev import dependency_watch, foreground
from docktasks.dev.dependency_watch import DependencyWatch
from docktasks.dev.run_args import DevRunSpec
from docktasks.dev.server import DevServer
from docktasks.engine.models import Image, Published
from docktasks.errors import ConflictError, StartError
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.web import Web


@pytest.fixture(autouse=True)
def _no_restart_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreground, "RESTART_TIME_S", 0)


DEV_SERVER = DevServer("http://127.0.0.1:3007", DevRunSpec(Checkout(Path("/srv/app")), "hello-dock-modules-1", "7:7"))
REMOVED = ["docker container rm --force hello-dock-dev"]


class EndlessLogEngine(FakeEngine):
    """An engine with a running dev container, whose log goes on until the test sets `log_end`."""

    def __init__(self) -> None:
        node = Image("sha256:node", tags=("node:lts-alpine",))
        running = own_container("dev", published=(Published("127.0.0.1", 3007, 3000),))
        super().__init__(running, images={"node:lts-alpine": node})
        self.log_end = Event()

    def stream_logs(self, name: str, since: str = "") -> Iterator[bytes]:
        """Yield the test's chunks, then wait."""
        yield from super().stream_logs(name, since)
        self.log_end.wait(10)


class BrokenLogEngine(FakeEngine):
    """An engine with a running dev container, whose log ends with an error or a signal."""

    def __init__(self, end: Callable[[], None]) -> None:
        super().__init__(own_container("dev"))
        self.end_log = end

    def stream_logs(self, name: str, since: str = "") -> Iterator[bytes]:
        """Yield the test's chunks, then call end_log."""
        yield from super().stream_logs(name, since)
        self.end_log()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_follow_removes_the_container_after_a_signal(settings: Settings, number: signal.Signals) -> None:
    """Ctrl-C, a polite kill and a closed terminal are the usual ends of `invoke dev`, and no errors."""
    engine = BrokenLogEngine(lambda: os.kill(os.getpid(), number))
    run = Runner(engine)
    foreground.follow(Project(run, engine, settings), DEV_SERVER)
    assert run.lines == REMOVED


def test_follow_raises_what_ended_the_log(settings: Settings) -> None:
    """An engine that goes away is an error, which session() explains."""

    def lose_connection() -> None:
        raise RuntimeError("connection lost")

    engine = BrokenLogEngine(lose_connection)
    with pytest.raises(RuntimeError, match="connection lost"):
        foreground.follow(Project(Runner(engine), engine, settings), DEV_SERVER)


@pytest.mark.parametrize("code", [0, 130, 143])
def test_follow_ends_without_an_error_when_the_container_was_stopped(
    settings: Settings, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """docker stop in another terminal is no error, but the user reads why the task ends."""
    engine = FakeEngine(own_container("dev", state="exited", exit_code=code))
    run = Runner(engine)
    foreground.follow(Project(run, engine, settings), DEV_SERVER)
    assert run.ran == []
    assert capsys.readouterr().out == "hello-dock-dev was stopped from outside, as by docker stop.\n"


def test_follow_ends_without_an_error_when_the_container_was_removed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """`invoke stop` in another terminal removes the container, so nothing is left to do."""

    def remove() -> None:
        engine.by_name.clear()

    engine = BrokenLogEngine(remove)
    foreground.follow(Project(Runner(engine), engine, settings), DEV_SERVER)
    assert capsys.readouterr().out == "hello-dock-dev was removed from outside, as by invoke stop.\n"


@pytest.mark.parametrize(
    ("out_of_memory", "why"), [(True, "It ran out of memory."), (False, "It was killed: by docker")]
)
def test_follow_reports_a_dev_server_that_was_killed(settings: Settings, why: str, *, out_of_memory: bool) -> None:
    """A kernel without memory kills it. The log has nothing about that."""
    engine = FakeEngine(own_container("dev", state="exited", exit_code=137, out_of_memory=out_of_memory))
    with pytest.raises(StartError, match="exit code 137") as caught:
        foreground.follow(Project(Runner(engine), engine, settings), DEV_SERVER)
    assert caught.value.why.startswith(why)
    assert engine.by_name == {}


def test_follow_goes_on_when_the_container_was_started_again(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    """docker restart ends the log. What the new start writes is shown, from its start."""
    starts: list[str] = []

    class RestartedEngine(FakeEngine):
        def stream_logs(self, name: str, since: str = "") -> Iterator[bytes]:
            """Yield a line that names the start. The second start ends."""
            starts.append(since)
            yield f"log since {since}\n".encode()
            state = {"started": "2026-01-02T00:00:00Z"} if len(starts) == 1 else {"state": "exited", "exit_code": 143}
            self.by_name[name] = own_container("dev", **state)

    engine = RestartedEngine(own_container("dev", started="2026-01-01T00:00:00Z"))
    foreground.follow(Project(Runner(engine), engine, settings), DEV_SERVER)
    assert starts == ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
    assert "was started again" in capfd.readouterr().out


def test_follow_reports_a_dev_server_that_fails(settings: Settings) -> None:
    """The error has the exit code and the last lines, with the checkout's paths; the container is removed."""
    engine = FakeEngine(own_container("dev", state="exited", exit_code=1))
    engine.container_logs["hello-dock-dev"] = "failed to load config from /home/node/app/vite.config.js"
    with pytest.raises(StartError, match="exit code 1") as caught:
        foreground.follow(Project(Runner(engine), engine, settings), DEV_SERVER)
    assert caught.value.evidence == f"failed to load config from {settings.app_dir}/vite.config.js"
    assert engine.by_name == {}


@pytest.fixture
def changing(monkeypatch: pytest.MonkeyPatch) -> EndlessLogEngine:
    """An engine whose log goes on until a change of the lock file was handled; the change is made at once."""
    engine = EndlessLogEngine()

    class ChangedWatch(DependencyWatch):
        def __init__(self, app: App) -> None:
            super().__init__(app)
            (app.folder / "package-lock.json").write_text('{"lockfileVersion": 3}')

        def take_changes(self) -> list[str]:
            """Let the log end after this change."""
            engine.log_end.set()
            return super().take_changes()

    monkeypatch.setattr(foreground, "DependencyWatch", ChangedWatch)
    monkeypatch.setattr(dependency_watch, "SETTLE_S", 0)
    monkeypatch.setattr(foreground, "CHECKOUT_INTERVAL_S", 0.001)
    return engine


def test_follow_recreates_the_server_for_new_dependencies(
    settings: Settings, changing: EndlessLogEngine, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    """The user reads what changed, and where the app is served then."""
    web.serve()
    changing.start_states["hello-dock-dev"] = {}
    run = Runner(changing)
    foreground.follow(Project(run, changing, settings), DEV_SERVER)
    lines = [line for line in run.verbs if line.endswith(("-dev", "-install"))]
    network = "network create hello-dock-dev"
    assert lines == [network, "run hello-dock-dev-install", "rm hello-dock-dev", "run hello-dock-dev"]
    output = capsys.readouterr().out
    assert "package-lock.json changed: installing the dependencies." in output
    assert "Serving with the new dependencies" in output


def test_follow_goes_on_when_the_dependencies_cannot_be_installed(
    settings: Settings, changing: EndlessLogEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    """package.json may be half edited; its next change is followed, too. The log goes on and does not start again."""
    changing.log_chunks = [b"ready\n"]
    failure = Result(1, "npm error notarget\nNOT INSTALLED: npm could not install the dependencies")
    run = Runner(changing, {"docker container run --rm": failure})
    foreground.follow(Project(run, changing, settings), DEV_SERVER)
    output = capsys.readouterr().out
    assert "npm could not install the app's dependencies." in output
    assert "The dev server keeps running with the previous dependencies." in output
    assert output.count("ready") == 1
    assert changing.by_name["hello-dock-dev"].state == "running"


def test_follow_goes_on_while_another_task_holds_the_lock(
    settings: Settings, changing: EndlessLogEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container still serves, so the error only delays the change."""

    def refuse(_project: Project, _dev_server: DevServer) -> DevServer:
        raise ConflictError("Another task is changing the containers.", "", "Wait")

    monkeypatch.setattr("docktasks.dev.server.recreate", refuse)
    foreground.follow(Project(Runner(changing), changing, settings), DEV_SERVER)
    assert changing.by_name


def test_follow_raises_when_the_recreated_server_fails(
    settings: Settings, changing: EndlessLogEngine, web: Web
) -> None:
    """No container serves any more, so the task ends with the error."""
    web.serve()
    changing.start_states["hello-dock-dev"] = {"state": "exited", "exit_code": 1}
    with pytest.raises(StartError, match="exit code 1"):
        foreground.follow(Project(Runner(changing), changing, settings), DEV_SERVER)
    assert changing.by_name == {}


def test_follow_keeps_the_server_when_the_content_stays(
    settings: Settings, changing: EndlessLogEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that was written with the same content needs no installation."""

    def take_changes(_watch: DependencyWatch) -> list[str]:
        changing.log_end.set()
        return []

    monkeypatch.setattr("docktasks.dev.foreground.DependencyWatch.take_changes", take_changes)
    run = Runner(changing)
    foreground.follow(Project(run, changing, settings), DEV_SERVER)
    assert run.ran == []
    assert capsys.readouterr().out == "The log of hello-dock-dev has ended, but the container runs.\n"
