from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from docktasks.background import Once


def test_value_is_made_by_one_thread() -> None:
    """The other threads wait for it and get the same object."""
    calls: list[object] = []
    all_threads, second_call = Barrier(4), Event()

    def make() -> object:
        calls.append(object())
        if len(calls) > 1:
            second_call.set()
        second_call.wait(0.1)  # gives other threads time to call make(), which they must not do
        return calls[-1]

    once = Once(make)

    def call(_number: int) -> object:
        all_threads.wait(10)
        return once()

    with ThreadPoolExecutor(4) as pool:
        values = set(pool.map(call, range(4)))
    assert values == set(calls)
    assert len(calls) == 1


def test_exception_is_raised_by_every_call() -> None:
    """The value is not made again after an error."""
    calls: list[int] = []

    def make() -> None:
        calls.append(1)
        raise ValueError("no")

    once = Once(make)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            once()
    assert calls == [1]
    assert once.peek() is None


def test_peek_returns_the_value_and_makes_none() -> None:
    """peek() returns None before the first call."""
    once = Once(lambda: 7)
    assert once.peek() is None
    assert once() == 7
    assert once.peek() == 7
