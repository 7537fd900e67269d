"""One task at a time changes a project's containers."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docktasks.answers import Run
from docktasks.errors import ConflictError, DockError
from docktasks.images import CACHE
from docktasks.settings import Settings


@contextmanager
def alone(run: Run, settings: Settings) -> Iterator[None]:
    """Hold the project's lock; however the task ends, it is free again. Raises ConflictError when another has it.

    Two releases at once would each take the other's candidate for a leftover.
    """
    if run.dry:
        yield
        return
    from filelock import FileLock, Timeout  # here, for a build alone needs no lock

    try:
        with FileLock(_folder(settings) / f"{settings.app.name}.lock", timeout=0):
            yield
    except Timeout as error:
        raise ConflictError(
            f"Another task is changing the containers of {settings.app.name}.",
            "Two at once would undo each other's work.",
            "Wait until it is done, then again",
        ) from error


def _folder(settings: Settings) -> Path:
    """Where the lock is: in the checkout, or for one that is for reading alone in a folder that nobody else may use."""
    folder = settings.root / CACHE
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
    if os.access(folder, os.W_OK):
        return folder
    checkout = hashlib.sha256(str(settings.root).encode()).hexdigest()[:12]
    own = Path(tempfile.gettempdir()) / f"hello-dock-{os.geteuid()}-{checkout}"
    with suppress(FileExistsError):
        own.mkdir(mode=0o700)
    found = own.lstat()
    if found.st_uid != os.geteuid() or not own.is_dir() or own.is_symlink():
        raise DockError(
            f"{folder} cannot be written, and {own} is somebody else's.",
            "A lock in one of them keeps two tasks from undoing each other's work.",
            "Work in a checkout that you may write to",
        )
    return own
