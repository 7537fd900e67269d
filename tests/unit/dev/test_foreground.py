from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.dev import dependency_watch, editor, file_events, foreground
from docktasks.dev.run_args import DevRun
from docktasks.dev.server import DevServer
from docktasks.engine.models import Image
from docktasks.errors import ConflictError, StartError
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, Runner, Web, ours

NODE = {"node:lts-alpine": Image("sha256:node", tags=("node:lts-alpine",))}
SERVING = DevServer("http://127.0.0.1:3007", 1.0, DevRun("hello-dock-modules-1", "7:7", polling=True))


class Living(FakeEngine):
    """An engine whose container logs something, and runs until it is removed, or until the test ends it."""

    def __init__(self, *lines: bytes) -> None:
        super().__init__(ours("dev", addresses=(("127.0.0.1", 3007, 3000),)), images=NODE)
        self.followed = list(lines)
        self.end = Event()

    def stream_logs(self, name: str) -> Iterator[bytes]:
        """Its log."""
        yield from super().stream_logs(name)
        self.end.wait(10)


def test_following_shows_the_log(settings: Settings, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Bytes go through as they come, colours with them."""
    engine = FakeEngine(ours("dev", state="exited"))
    engine.followed = [b"\x1b[32mready\x1b[0m\n", b"\xff half"]
    foreground.follow(Project(Runner(engine), engine, settings), SERVING)
    sys.stdout.flush()
    assert capsysbinary.readouterr().out == b"\x1b[32mready\x1b[0m\n\xff half"


@pytest.mark.parametrize("told", [False, True])
def test_files_that_are_not_watched_are_told_once(
    settings: Settings, capsysbinary: pytest.CaptureFixture[bytes], *, told: bool
) -> None:
    """Vite has a line for each of them, and goes on."""
    engine = FakeEngine(ours("dev", state="exited"))
    engine.followed = [f"ready\nfile watcher error: {file_events.REFUSED}, watch '/a{n}'\n".encode() for n in "12"]
    serving = replace(SERVING, notices=(file_events.UNSEEN,) if told else ())
    foreground.follow(Project(Runner(engine), engine, settings), serving)
    sys.stdout.flush()
    notice = b"" if told else f"! {file_events.UNSEEN}\n".encode()
    assert capsysbinary.readouterr().out == notice + b"ready\nready\n"


@pytest.mark.parametrize("code", [0, 130, 137, 143])
def test_one_that_was_stopped_elsewhere_is_no_fault(settings: Settings, code: int) -> None:
    """`invoke stop` in another terminal ends the foreground quietly."""
    engine = FakeEngine(ours("dev", state="exited", exit_code=code))
    run = Runner(engine)
    foreground.follow(Project(run, engine, settings), SERVING)
    assert run.ran == []


def test_one_that_ends_by_itself_is_told_and_removed(settings: Settings) -> None:
    """Its exit code and last lines are shown."""
    engine = FakeEngine(ours("dev", state="exited", exit_code=1))
    engine.logged["hello-dock-dev"] = "failed to load config from /home/node/app/vite.config.js"
    with pytest.raises(StartError, match="exit code 1") as caught:
        foreground.follow(Project(Runner(engine), engine, settings), SERVING)
    assert "failed to load config" in caught.value.evidence
    assert engine.held == {}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_following_ends_with_the_container(settings: Settings, sent: signal.Signals) -> None:
    """Ctrl-C, a polite kill and a closed terminal stop it, and that is no error."""

    class Interrupted(FakeEngine):
        def stream_logs(self, name: str) -> Iterator[bytes]:
            """Interrupted while the log comes."""
            yield from super().stream_logs(name)
            os.kill(os.getpid(), sent)

    engine = Interrupted(ours("dev"))
    run = Runner(engine)
    foreground.follow(Project(run, engine, settings), SERVING)
    assert run.lines == ["docker container rm --force hello-dock-dev"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change is taken at once."""
    monkeypatch.setattr(dependency_watch, "QUIET", 0)
    monkeypatch.setattr(foreground, "INTERVAL", 0.001)


class Changing(dependency_watch.DependencyWatch):
    """A checkout that changes once, and whose container is stopped after that."""

    engine: Living

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        (settings.app_dir / "package-lock.json").write_text('{"lockfileVersion": 3}')

    def take(self) -> list[str]:
        """What has changed."""
        taken = super().take()
        Changing.engine.end.set()
        return taken


@pytest.mark.usefixtures("quick")
def test_a_changed_lock_file_is_followed(
    settings: Settings, web: Web, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed anew in another volume, on the same port, with what was found out of the checkout; and said."""
    web.serve()
    engine = Changing.engine = Living()
    monkeypatch.setattr(dependency_watch, "DependencyWatch", Changing)
    engine.births["hello-dock-dev"] = {}
    run = Runner(engine)
    foreground.follow(Project(run, engine, settings), SERVING)
    verbs = [" ".join(args[1:3]) for args in run.ran]
    assert verbs == ["image build", "volume create", "volume create", "container rm", "container run", "volume rm"]
    started = " ".join(run.ran[4])
    assert "--publish 127.0.0.1:3007:3000" in started
    assert "--user 7:7" in started
    assert "CHOKIDAR_USEPOLLING=true" in started
    said = capsys.readouterr().out
    assert "package-lock.json changed: installing anew." in said
    assert "Serving with the new dependencies after" in said


@pytest.mark.usefixtures("quick")
def test_what_cannot_be_installed_is_told_and_the_server_goes_on(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """package.json may be half edited: the next change is followed again."""
    engine = Changing.engine = Living()
    monkeypatch.setattr(dependency_watch, "DependencyWatch", Changing)
    run = Runner(
        engine,
        {"docker image build": Result(1, "npm error notarget\nNOT INSTALLED: npm could not install the dependencies")},
    )
    foreground.follow(Project(run, engine, settings), SERVING)
    said = capsys.readouterr().out
    assert "npm could not install the app's dependencies." in said
    assert "Until then the server goes on with what it has." in said
    assert [args[1:3] for args in run.ran] == [["image", "build"]]


@pytest.mark.usefixtures("quick")
def test_a_server_that_does_not_come_up_again_is_told(
    settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing serves any more: that ends it."""
    web.serve()
    engine = Changing.engine = Living()
    monkeypatch.setattr(dependency_watch, "DependencyWatch", Changing)
    engine.births["hello-dock-dev"] = {"state": "exited", "exit_code": 1}
    with pytest.raises(StartError, match="exit code 1"):
        foreground.follow(Project(Runner(engine), engine, settings), SERVING)
    assert engine.held == {}


@pytest.mark.usefixtures("quick")
def test_a_task_that_holds_the_lock_is_waited_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The container still runs, so the old one goes on; nothing is lost."""
    engine = Changing.engine = Living()
    monkeypatch.setattr(dependency_watch, "DependencyWatch", Changing)

    def held(*_args: object) -> DevServer:
        raise ConflictError("Another task is changing the containers.", "", "Wait")

    monkeypatch.setattr("docktasks.dev.server.recreate", held)
    foreground.follow(Project(Runner(engine), engine, settings), SERVING)
    assert engine.held


@pytest.mark.usefixtures("quick")
def test_the_editor_opens_what_the_page_asks_for(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container says which file, in its own paths; the line is not shown, the checkout's path is."""
    engine = Living(b"at /home/node/app/x.js\nhello-dock-editor /home/node/app/src/App.vue:7:3\nmore\n")
    asked: list[tuple[str, int, int]] = []

    def opens(_settings: Settings, path: str, line: int, column: int) -> str:
        asked.append((path, line, column))
        engine.end.set()
        return "Opened"

    monkeypatch.setattr(editor, "open_file", opens)
    foreground.follow(Project(Runner(engine), engine, settings), SERVING)
    assert asked == [(f"{settings.app_dir}/src/App.vue", 7, 3)]
    said = capsys.readouterr().out
    assert "hello-dock-editor" not in said
    assert f"at {settings.app_dir}/x.js" in said


def test_the_log_names_the_published_address(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Vite knows that of the container alone, which is nobody's."""
    engine = FakeEngine(ours("dev", state="exited"))
    said = "  ➜  Local:   http://localhost:3000/shop/\n  ➜  Network: http://172.17.0.8:3000/  eth0\n  next\n"
    engine.followed = [said.encode()]
    foreground.follow(Project(Runner(engine), engine, settings), SERVING)
    assert capsys.readouterr().out == "  ➜  Local:   http://127.0.0.1:3007/shop/\n  next\n"


def test_a_terminal_that_went_away_ends_it(settings: Settings) -> None:
    """`invoke dev | head`: nobody reads on, so the container is stopped."""

    class Gone(FakeEngine):
        def stream_logs(self, name: str) -> Iterator[bytes]:
            """As where stdout is closed."""
            yield from super().stream_logs(name)
            raise BrokenPipeError

    engine = Gone(ours("dev"))
    run = Runner(engine)
    foreground.follow(Project(run, engine, settings), replace(SERVING, url=""))
    assert run.lines == ["docker container rm --force hello-dock-dev"]


def test_an_engine_that_goes_away_is_told(settings: Settings) -> None:
    """By whoever waits; the thread that reads has nobody to tell."""

    class Lost(FakeEngine):
        def stream_logs(self, name: str) -> Iterator[bytes]:
            """As where the engine is stopped."""
            yield from super().stream_logs(name)
            raise RuntimeError("connection lost")

    engine = Lost(ours("dev"))
    with pytest.raises(RuntimeError, match="connection lost"):
        foreground.follow(Project(Runner(engine), engine, settings), SERVING)
