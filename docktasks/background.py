"""Work that begins before its result is needed, such as a question to git or to the engine."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def in_background(work: Callable[[], T]) -> Callable[[], T]:
    """Begin the work in a thread, and return a function that waits for its result, or raises its error."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - the caller of the result gets it
            future.set_exception(error)

    # Not an executor's thread: Python would wait for that one at its exit.
    Thread(target=run, daemon=True).start()
    return future.result
