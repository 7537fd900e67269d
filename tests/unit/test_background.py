from __future__ import annotations

from threading import Event

import pytest

from docktasks.background import in_background


def test_nobody_waits_before_the_result_is_asked_for() -> None:
    """The work goes on beside whoever began it; its result can be asked for again."""
    free = Event()

    def work() -> int:
        assert free.wait(10)
        return 1

    result = in_background(work)
    free.set()
    assert (result(), result()) == (1, 1)


def test_an_error_comes_with_the_result() -> None:
    """It is raised where the result is asked for, and as often."""

    def work() -> int:
        raise LookupError

    result = in_background(work)
    for _ in range(2):
        with pytest.raises(LookupError):
            result()
