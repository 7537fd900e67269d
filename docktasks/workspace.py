"""The cache folder, whose files a task can always write again, and the project's lock."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from docktasks import resources
from docktasks.errors import ConflictError, DockError
from docktasks.labels import LABEL

CACHE = ".cache"
"""Name of the cache folder in a checkout of this project."""

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
NO_ACCESS = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST)


def cache_folder(root: Path) -> Path:
    """Return the cache folder of a repository, and make it where it is missing. Raises DockError."""
    folder = root / cache_path(root)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def writing(path: Path | str = "A file of this task") -> Iterator[None]:
    """Turn the error of a disk that is full, read-only or not ours into DockError. `path` is what is written."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE + NO_ACCESS:
            raise
        how = "Let it be a folder that you may write to (ls -ld), or choose others: XDG_CACHE_HOME, XDG_STATE_HOME"
        raise DockError(
            f"{error.filename or path} cannot be used: {error.strerror}.",
            "A task keeps its lock there, the files of a build, or its result.",
            "Free some space: df -h, quota, docker system df" if error.errno in NO_SPACE else how,
        ) from error


def cache_path(root: Path) -> str:
    """Return the path of the cache folder from `root`. Only a checkout that can be written has it in itself."""
    folder = root / CACHE
    if resources.is_checkout(root) and os.access(folder if folder.exists() else root, os.W_OK):
        return CACHE
    from platformdirs import user_cache_path

    repository = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    return str(user_cache_path(LABEL) / repository)


def read_cached(path: Path) -> dict[str, Any]:
    """Return the JSON object that a task has kept in a file; an empty one if it is not there yet, or was cut off."""
    with suppress(OSError, ValueError):
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content
    return {}


@contextmanager
def user_state(name: str) -> Iterator[Path]:
    """Yield the path of a file in the user's folder for states, which no other task uses until the block ends."""
    from filelock import FileLock
    from platformdirs import user_state_path

    path = user_state_path(LABEL) / name
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            yield path


@contextmanager
def project_lock(root: Path, project: str) -> Iterator[None]:
    """Hold the project's lock until the block ends. Raises ConflictError when another task holds it.

    Without it, two releases at once would each remove the other's candidate as a leftover.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(cache_folder(root) / f"{project}.lock", timeout=0)
    try:
        with writing(lock.lock_file):
            acquired = lock.acquire()
    except Timeout as error:
        raise ConflictError(
            f"Another task is changing the containers of {project}.",
            "Two tasks at once would undo each other's work.",
            "Wait until it has ended, then try again",
        ) from error
    with acquired:
        yield
