from __future__ import annotations

import errno
from pathlib import Path

import pytest

from docktasks import lock
from docktasks.errors import ConflictError, DockError
from docktasks.settings import Settings
from tests.unit.fakes import Runner, configured


def test_a_second_task_is_refused_at_once(settings: Settings) -> None:
    """It does not wait: what the first one changes may be what the second one was started for."""
    with lock.alone(Runner(), settings):
        with pytest.raises(ConflictError) as caught, lock.alone(Runner(), settings):
            pass
        assert str(caught.value) == (
            "Another task is changing the containers of hello-dock.\n"
            "Two at once would undo each other's work.\n"
            "Wait until it is done, then again"
        )


@pytest.mark.parametrize("ending", [ValueError, KeyboardInterrupt])
def test_it_is_free_however_the_task_ended(settings: Settings, ending: type[BaseException]) -> None:
    """An error and a Ctrl-C leave nothing that somebody would have to remove."""
    with pytest.raises(ending), lock.alone(Runner(), settings):
        raise ending
    with lock.alone(Runner(), settings):
        pass


def test_another_project_has_a_lock_of_its_own(settings: Settings) -> None:
    """Their containers have other names."""
    with lock.alone(Runner(), settings), lock.alone(Runner(), configured(settings.root, app_name="shop")):
        pass


def test_a_dry_run_neither_takes_it_nor_waits_for_it(settings: Settings) -> None:
    """It changes nothing, and writes nothing."""
    with lock.alone(Runner(dry=True), settings):
        assert not (settings.root / ".cache").exists()
    with lock.alone(Runner(), settings), lock.alone(Runner(dry=True), settings):
        pass


def test_a_checkout_that_cannot_be_written_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever keeps it from being: rights, or a read-only file system."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with (
        pytest.raises(DockError, match=r"\.cache cannot be written: Read-only file system\."),
        lock.alone(Runner(), settings),
    ):
        pass
