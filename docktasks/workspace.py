"""The cache folder, whose files a task can always write again, and the project's lock."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docktasks.errors import ConflictError, DockError
from docktasks.labels import LABEL

CACHE = ".cache"
"""Name of the cache folder in the checkout."""


def cache_folder(root: Path) -> Path:
    """Return the cache folder of a checkout, and make it where it is missing. Raises DockError."""
    folder = root / cache_path(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DockError(
            f"The folder {folder} cannot be made ({error.strerror}).",
            "It holds the lock that keeps two tasks from undoing each other's work.",
            "Work in a checkout that you may write to",
        ) from error
    return folder


def cache_path(root: Path) -> str:
    """Return the path of the cache folder, as a command in the checkout names it.

    A checkout that cannot be written has its cache folder in the user's own: ~/.cache on Linux.
    """
    folder = root / CACHE
    if os.access(folder if folder.exists() else root, os.W_OK):
        return CACHE
    from platformdirs import user_cache_path

    checkout = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    return str(user_cache_path(LABEL) / checkout)


@contextmanager
def project_lock(root: Path, project: str) -> Iterator[None]:
    """Hold the project's lock until the block ends. Raises ConflictError when another task holds it.

    Without it, two releases at once would each remove the other's candidate as a leftover.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(cache_folder(root) / f"{project}.lock", timeout=0):
            yield
    except Timeout as error:
        raise ConflictError(
            f"Another task is changing the containers of {project}.",
            "Two tasks at once would undo each other's work.",
            "Wait until it has ended, then try again",
        ) from error
