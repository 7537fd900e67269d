from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from docktasks import workspace
from docktasks.app.project import Project
from docktasks.errors import ConflictError, DockError
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, Runner, configured


def test_a_second_task_is_refused_at_once(settings: Settings) -> None:
    """It does not wait: what the first one changes may be what the second one was started for."""
    with workspace.project_lock(settings):
        with pytest.raises(ConflictError) as caught, workspace.project_lock(settings):
            pass
        assert str(caught.value) == (
            "Another task is changing the containers of hello-dock.\n"
            "Two at once would undo each other's work.\n"
            "Wait until it is done, then again"
        )


@pytest.mark.parametrize("ending", [ValueError, KeyboardInterrupt])
def test_it_is_free_however_the_task_ended(settings: Settings, ending: type[BaseException]) -> None:
    """An error and a Ctrl-C leave nothing that somebody would have to remove."""
    with pytest.raises(ending), workspace.project_lock(settings):
        raise ending
    with workspace.project_lock(settings):
        pass


def test_another_project_has_a_lock_of_its_own(settings: Settings) -> None:
    """Their containers have other names."""
    with (
        workspace.project_lock(settings),
        workspace.project_lock(configured(settings.root, app_name="shop")),
    ):
        pass


def test_a_dry_run_neither_takes_it_nor_waits_for_it(settings: Settings) -> None:
    """It changes nothing, and writes nothing."""
    project = Project(Runner(dry=True), FakeEngine(), settings)
    with project.lock():
        assert not (settings.root / ".cache").exists()
    with workspace.project_lock(settings), project.lock():
        pass


@pytest.fixture
def for_reading(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout that nobody may write to; the folder for temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr("docktasks.workspace.os.access", lambda _path, _mode: False)
    return folder


def test_a_checkout_for_reading_has_its_lock_elsewhere(settings: Settings, for_reading: Path) -> None:
    """In a folder of the user's own, the same for every task."""
    with workspace.project_lock(settings):
        (own,) = for_reading.iterdir()
        assert own.stat().st_mode & 0o777 == 0o700
        with pytest.raises(ConflictError), workspace.project_lock(settings):
            pass


def test_a_folder_of_somebody_elses_is_not_used(settings: Settings, for_reading: Path) -> None:
    """Whoever puts a link there would choose which file is made."""
    with workspace.project_lock(settings):
        pass
    (own,) = for_reading.iterdir()
    for path in own.iterdir():
        path.unlink()
    own.rmdir()
    own.symlink_to(settings.root)
    with pytest.raises(DockError, match="somebody else's"), workspace.project_lock(settings):
        pass
