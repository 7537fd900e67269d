"""One task at a time changes a project's containers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from docktasks import cache
from docktasks.answers import Run
from docktasks.errors import ConflictError
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
        with FileLock(cache.folder(settings) / f"{settings.app.name}.lock", timeout=0):
            yield
    except Timeout as error:
        raise ConflictError(
            f"Another task is changing the containers of {settings.app.name}.",
            "Two at once would undo each other's work.",
            "Wait until it is done, then again",
        ) from error
