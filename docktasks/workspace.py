"""Where a command keeps what it can make again: in the checkout, or beside one that is for reading alone."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docktasks.errors import ConflictError, DockError
from docktasks.settings import Settings

CACHE = ".cache"
"""The folder's name in the checkout."""


def cache_folder(settings: Settings) -> Path:
    """The folder, made where it is missing. Raises DockError where it cannot be."""
    found = settings.root / cache_path(settings)
    if found.is_relative_to(settings.root):
        found.mkdir(exist_ok=True)
        return found
    with suppress(FileExistsError):
        found.mkdir(mode=0o700)
    there = found.lstat()
    if there.st_uid != os.geteuid() or not found.is_dir() or found.is_symlink():
        raise DockError(
            f"{settings.root / CACHE} cannot be written, and {found} is somebody else's.",
            "A lock in one of them keeps two tasks from undoing each other's work.",
            "Work in a checkout that you may write to",
        )
    return found


def cache_path(settings: Settings) -> str:
    """Where the folder is, as a command in the checkout names it; another for a checkout that nobody may write to."""
    there = settings.root / CACHE
    if os.access(there if there.exists() else settings.root, os.W_OK):
        return CACHE
    checkout = hashlib.sha256(str(settings.root).encode()).hexdigest()[:12]
    return str(Path(tempfile.gettempdir()) / f"hello-dock-{os.geteuid()}-{checkout}")


@contextmanager
def project_lock(settings: Settings) -> Iterator[None]:
    """Hold the project's lock; however the task ends, it is free again. Raises ConflictError when another has it.

    Two releases at once would each take the other's candidate for a leftover.
    """
    from filelock import FileLock, Timeout  # here, for a build alone needs no lock

    try:
        with FileLock(cache_folder(settings) / f"{settings.app.name}.lock", timeout=0):
            yield
    except Timeout as error:
        raise ConflictError(
            f"Another task is changing the containers of {settings.app.name}.",
            "Two at once would undo each other's work.",
            "Wait until it is done, then again",
        ) from error
