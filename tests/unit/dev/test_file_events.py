from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.dev import file_events
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

LISTENER = "hello-dock-dev-events"
possible_loss = file_events.possible_loss
"""The real function, which the fixture ordinary_checkout replaces."""


@pytest.mark.parametrize(
    ("name", "reason"), [("ext4", ""), ("fuse", "the checkout is on fuse"), ("9p", "the checkout is on 9p")]
)
def test_possible_loss_depends_on_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    """The deepest mount point counts, and of two mounts on it the later one."""
    mounts = [("/", "ext4"), (str(tmp_path), "nfs"), (str(tmp_path), name), (str(tmp_path / "other"), "xfs")]
    partitions = [SimpleNamespace(mountpoint=path, fstype=fstype) for path, fstype in mounts]
    monkeypatch.setattr("psutil.disk_partitions", lambda **_: partitions)
    assert possible_loss(FakeEngine(), tmp_path) == reason


def test_possible_loss_with_an_engine_on_another_kernel(tmp_path: Path) -> None:
    """Docker Desktop's engine runs in a virtual machine; others are reached over a network."""
    engine = FakeEngine()
    engine.kernel_release = "6.1.0-linuxkit"
    assert possible_loss(engine, tmp_path) == "the engine runs on another or a virtual machine"


@pytest.mark.parametrize(("arrive", "reason"), [(True, ""), (False, "the checkout is on fuse")])
def test_polling_reason_is_confirmed_by_a_trial(
    project: Project, monkeypatch: pytest.MonkeyPatch, reason: str, *, arrive: bool
) -> None:
    """A file system that may lose events is no reason to poll when a container hears of a new file."""
    monkeypatch.setattr(file_events, "possible_loss", lambda _engine, _app_dir: "the checkout is on fuse")
    monkeypatch.setattr(file_events, "events_arrive", lambda _project, _user: arrive)
    assert file_events.polling_reason(project, "1:1") == reason


def test_polling_reason_tries_nothing_where_events_are_certain(project: Project, run: Runner) -> None:
    """The trial starts a container, so it is only for file systems that may lose events."""
    assert file_events.polling_reason(project, "1:1") == ""
    assert run.ran == []


@pytest.fixture
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds pass at each look at the clock, so that every wait is over at once."""
    monkeypatch.setattr("docktasks.waiting.time.monotonic", iter(range(0, 10000, 10)).__next__)


@pytest.mark.usefixtures("fast_clock")
@pytest.mark.parametrize(("log", "arrive"), [("listening\nheard", True), ("listening", False), ("", False)])
def test_events_arrive_when_a_container_hears_of_a_new_file(
    project: Project, engine: FakeEngine, run: Runner, log: str, *, arrive: bool
) -> None:
    """A container listens while a file is created; afterwards both are removed."""
    engine.container_logs[LISTENER] = log
    assert file_events.events_arrive(project, "1:1") is arrive
    assert run.verbs == [f"run {LISTENER}", f"rm {LISTENER}"]
    assert not list(project.settings.app_dir.glob(".hello-dock-*"))


def test_events_do_not_arrive_when_the_container_does_not_start(project: Project, run: Runner) -> None:
    """Vite then polls, which works in any case."""
    run.answers["docker container run"] = Result(125, "no such image")
    assert not file_events.events_arrive(project, "1:1")


def test_events_do_not_arrive_in_a_read_only_checkout(
    project: Project, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file can be created there, so the trial cannot confirm that events arrive."""

    def refuse(_path: Path) -> None:
        raise OSError(30, "Read-only file system")

    engine.container_logs[LISTENER] = "listening"
    monkeypatch.setattr(Path, "touch", refuse)
    assert not file_events.events_arrive(project, "1:1")
