"""Start work in a thread before its result is needed, such as a question to git or to the engine."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")
EXIT_TIMEOUT_S = 2.0
"""How long the end of a task waits for a thread, at most, because the process may crash if one is loading OpenSSL then.
One that waits for an engine that does not answer is left: https://docs.python.org/3/library/threading.html#thread-objects."""


def in_background(work: Callable[[], T]) -> Callable[..., T]:
    """Begin the work in a thread. Return a function that waits, maybe some seconds only, for its result or error."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - the caller of result() gets it
            future.set_exception(error)

    # Not an executor: at exit Python would wait for its threads as long as they take.
    thread = Thread(target=run, daemon=True)
    thread.start()
    atexit.register(thread.join, EXIT_TIMEOUT_S)
    return future.result


class Once(Generic[T]):
    """A value that the first call makes and that later calls return. They raise its exception, too."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = Lock()
        self._result: Future[T] = Future()

    def __call__(self) -> T:
        """Return the value, and make it in the first call. Raises the exception of `make`."""
        with self._lock:
            if not self._result.done():
                try:
                    self._result.set_result(self._make())
                except Exception as error:  # noqa: BLE001 - each caller gets it from result()
                    self._result.set_exception(error)
        return self._result.result()

    def peek(self) -> T | None:
        """Return the value if it has been made, else None. Makes nothing."""
        return self._result.result() if self._result.done() and not self._result.exception() else None
