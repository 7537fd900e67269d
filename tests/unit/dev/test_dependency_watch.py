from __future__ import annotations

import os
from pathlib import Path

import pytest

from docktasks.app.package import App
from docktasks.dev.dependency_watch import DependencyWatch
from docktasks.settings import Settings


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, which a test sets as `clock[0]`."""
    now = [100.0]
    monkeypatch.setattr("docktasks.dev.dependency_watch.time.monotonic", lambda: now[0])
    return now


def write(path: Path, text: str) -> None:
    """Write a file and give it another time than before, however coarse the file system's clock is."""
    path.write_text(text)
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1_000_000))


def test_watch_reports_a_change_half_a_second_after_the_last_write(settings: Settings, clock: list[float]) -> None:
    """npm writes package.json and then the lock file, and both count as one change."""
    watch = DependencyWatch(App.load(settings))
    assert not watch.has_changed()
    write(settings.app_dir / "package.json", "{}")
    assert not watch.has_changed()
    clock[0] += 0.4
    write(settings.app_dir / "package-lock.json", '{"a": 1}')
    assert not watch.has_changed()
    clock[0] += 0.4
    assert not watch.has_changed()
    clock[0] += 0.2
    assert watch.has_changed()
    assert watch.take_changes() == ["package-lock.json", "package.json"]
    assert not watch.has_changed()


def test_watch_ignores_a_new_time_with_the_same_content(settings: Settings, clock: list[float]) -> None:
    """Git may write a file again without changing it."""
    watch = DependencyWatch(App.load(settings))
    os.utime(settings.app_dir / "package.json", (1, 1))
    watch.has_changed()
    clock[0] += 1
    assert watch.has_changed()
    assert watch.take_changes() == []


def test_watch_reports_lock_files_that_come_and_go(settings: Settings, clock: list[float]) -> None:
    """A change of the package manager removes one lock file and adds another."""
    watch = DependencyWatch(App.load(settings))
    (settings.app_dir / "package-lock.json").unlink()
    (settings.app_dir / "yarn.lock").write_text("# yarn lockfile v1")
    watch.has_changed()
    clock[0] += 1
    assert watch.has_changed()
    assert watch.take_changes() == ["package-lock.json", "yarn.lock"]


def test_watch_reports_a_patch(settings: Settings, clock: list[float]) -> None:
    """patch-package and pnpm change packages by the files in the folder patches."""
    patch = settings.app_dir / "patches/is-number@7.0.0.patch"
    patch.parent.mkdir()
    patch.write_text("one")
    watch = DependencyWatch(App.load(settings))
    write(patch, "another")
    watch.has_changed()
    clock[0] += 1
    assert watch.has_changed()
    assert watch.take_changes() == ["patches/is-number@7.0.0.patch"]
