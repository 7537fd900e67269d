from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from docktasks import workspace
from docktasks.app.project import Project
from docktasks.errors import ConflictError, DockError
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner


def test_second_task_is_refused_at_once(settings: Settings) -> None:
    """A task does not wait for the lock: the first task may change what the second was started for."""
    with workspace.project_lock(settings.root, settings.app.name):
        with pytest.raises(ConflictError) as caught, workspace.project_lock(settings.root, settings.app.name):
            pass
        assert str(caught.value) == (
            "Another task is changing the containers of hello-dock.\n"
            "Two tasks at once would undo each other's work.\n"
            "Wait until it has ended, then try again"
        )


@pytest.mark.parametrize("ending", [ValueError, KeyboardInterrupt])
def test_lock_is_free_after_an_error_and_after_ctrl_c(settings: Settings, ending: type[BaseException]) -> None:
    """A user has no lock file to remove after a task that ended early."""
    with pytest.raises(ending), workspace.project_lock(settings.root, settings.app.name):
        raise ending
    with workspace.project_lock(settings.root, settings.app.name):
        pass


def test_each_project_has_its_own_lock(settings: Settings) -> None:
    """Two projects have containers of different names, so their tasks may run at the same time."""
    with (
        workspace.project_lock(settings.root, settings.app.name),
        workspace.project_lock(settings.root, "shop"),
    ):
        pass


def test_dry_run_neither_takes_the_lock_nor_waits_for_it(settings: Settings) -> None:
    """A dry run changes nothing, and writes nothing."""
    project = Project(Runner(dry=True), FakeEngine(), settings)
    with project.lock():
        assert not (settings.root / ".cache").exists()
    with workspace.project_lock(settings.root, settings.app.name), project.lock():
        pass


@pytest.fixture
def user_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make the checkout read-only, and return the user's cache folder."""
    monkeypatch.setattr("docktasks.workspace.os.access", lambda _path, _mode: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_read_only_checkout_has_its_lock_in_the_users_cache(settings: Settings, user_cache: Path) -> None:
    """Each task of the same checkout finds the same lock there."""
    with workspace.project_lock(settings.root, settings.app.name):
        assert [path.name for path in user_cache.rglob("*.lock")] == ["hello-dock.lock"]
        with pytest.raises(ConflictError), workspace.project_lock(settings.root, settings.app.name):
            pass
    assert not (settings.root / ".cache").exists()


def test_two_read_only_checkouts_have_two_cache_folders(settings: Settings, user_cache: Path) -> None:
    """The folder's name follows from the path of the checkout."""
    other = replace(settings, root=settings.root.parent)
    folders = {workspace.cache_folder(settings.root), workspace.cache_folder(other.root)}
    assert len(folders) == 2
    assert all(folder.is_relative_to(user_cache) for folder in folders)


def test_cache_folder_that_cannot_be_made_is_an_error(settings: Settings, user_cache: Path) -> None:
    """The error names the folder and the system's reason."""
    user_cache.write_text("a file where the folder would be")
    with (
        pytest.raises(DockError, match="cannot be used") as caught,
        workspace.project_lock(settings.root, settings.app.name),
    ):
        pass
    assert str(user_cache) in caught.value.what


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "that you may write to"),
        (errno.EACCES, "that you may write to"),
        (errno.EPERM, "that you may write to"),
        (errno.ENOTDIR, "Let it be a folder"),
        (errno.EEXIST, "Let it be a folder"),
    ],
)
def test_file_that_cannot_be_written_is_an_error(number: int, words: str) -> None:
    """The error of write() has no path, that of open() has one."""
    for filename, name in ((None, "/checkout/.cache/x"), ("/checkout/.cache/other", "/checkout/.cache/other")):
        with pytest.raises(DockError, match=f"^{name} cannot be") as caught, workspace.writing("/checkout/.cache/x"):
            raise OSError(number, os.strerror(number), filename)
        assert os.strerror(number) in caught.value.what
        assert words in caught.value.how


def test_other_errors_of_the_system_stay_what_they_are() -> None:
    """A bug is no fault of the disk."""
    with pytest.raises(ConnectionResetError), workspace.writing("x"):
        raise ConnectionResetError(errno.ECONNRESET, "reset")


def test_cache_folder_that_is_a_file_is_an_error(settings: Settings) -> None:
    """The way out names the file."""
    (settings.root / workspace.CACHE).write_text("")
    with pytest.raises(DockError, match=r"\.cache cannot be used: File exists") as caught:
        workspace.cache_folder(settings.root)
    assert "Let it be a folder" in caught.value.how
