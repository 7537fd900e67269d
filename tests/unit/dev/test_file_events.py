from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.dev import file_events
from docktasks.errors import StartError
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, Runner

EVENTS = "hello-dock-dev-events"


@pytest.mark.parametrize(
    ("kind", "doubt"), [("ext4", ""), ("fuse", "the checkout is on fuse"), ("9p", "the checkout is on 9p")]
)
def test_a_file_system_of_the_kernel_is_not_doubted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, doubt: str
) -> None:
    """The deepest mount, and of two in one place the later, is what a folder is on."""
    parts = [("/", "ext4"), (str(tmp_path), "nfs"), (str(tmp_path), kind), (str(tmp_path / "other"), "xfs")]
    listed = [SimpleNamespace(mountpoint=point, fstype=each) for point, each in parts]
    monkeypatch.setattr("psutil.disk_partitions", lambda **_: listed)
    assert file_events.polling_reason(FakeEngine(), tmp_path) == doubt


def test_another_kernel_is_doubted(tmp_path: Path) -> None:
    """The engine of Docker Desktop, or one that is reached over a network."""
    engine = FakeEngine()
    engine.kernel_release = "6.1.0-linuxkit"
    assert "another machine" in file_events.polling_reason(engine, tmp_path)


@pytest.mark.parametrize(("logged", "arrives"), [("listening\nheard", True), ("listening", False), ("", False)])
def test_an_event_is_tried(settings: Settings, monkeypatch: pytest.MonkeyPatch, logged: str, *, arrives: bool) -> None:
    """A container listens, a file is written; neither is left."""
    monkeypatch.setattr("docktasks.waiting.time.monotonic", iter(range(0, 10000, 10)).__next__)
    engine = FakeEngine()
    engine.logged[EVENTS] = logged
    run = Runner(engine)
    assert file_events.events_arrive(Project(run, engine, settings), "1:1") is arrives
    assert run.verbs == [f"run {EVENTS}", f"rm {EVENTS}"]
    assert not list(settings.app_dir.glob(".hello-dock-*"))


def test_a_container_that_cannot_listen_hears_nothing(settings: Settings) -> None:
    """Then changes are looked for."""
    engine = FakeEngine()
    run = Runner(engine, {"docker container run": Result(125, "no such image")})
    assert not file_events.events_arrive(Project(run, engine, settings), "1:1")


def test_a_checkout_for_reading_is_looked_at(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell whether an event would arrive."""

    def refuse(_path: Path) -> None:
        raise OSError(30, "Read-only file system")

    engine = FakeEngine()
    engine.logged[EVENTS] = "listening"
    monkeypatch.setattr(Path, "touch", refuse)
    assert not file_events.events_arrive(Project(Runner(engine), engine, settings), "1:1")


def test_a_low_limit_is_told_with_the_command_that_raises_it(tmp_path: Path) -> None:
    """Before Vite goes on without them; node_modules do not count."""
    limit = tmp_path / "limit"
    app = tmp_path / "app"
    for name in ("src", "node_modules"):
        (app / name).mkdir(parents=True)
        for number in range(10):
            (app / name / f"{number}.js").touch()
    limit.write_text("1036\n")  # two folders and ten files, and what is spared for others
    file_events.check_limit(app, limit)
    limit.write_text("1035\n")
    with pytest.raises(StartError, match="max_user_watches") as caught:
        file_events.check_limit(app, limit)
    assert "sudo sysctl fs.inotify.max_user_watches=524288" in caught.value.how
    assert "It allows 1,035; the app has more than 11 files" in caught.value.evidence


@pytest.mark.parametrize("text", [None, "no number"])
def test_a_kernel_without_the_limit_has_none(tmp_path: Path, text: str | None) -> None:
    """macOS has other events."""
    if text is not None:
        (tmp_path / "limit").write_text(text)
    file_events.check_limit(tmp_path, tmp_path / "limit")
    assert os.access(tmp_path, os.R_OK)
