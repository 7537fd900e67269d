"""Work that others do, such as git or the engine, begun before its result is needed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def in_background(work: Callable[[], T]) -> Callable[[], T]:
    """Begin the work, and return at once; what is returned waits for the result, or raises the work's error."""
    begun: Future[T] = Future()

    def do() -> None:
        try:
            begun.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            begun.set_exception(error)

    Thread(target=do, daemon=True).start()
    return begun.result
