from __future__ import annotations

from threading import Event

import pytest

from docktasks.background import in_background


def test_in_background_waits_only_for_the_result() -> None:
    """The caller continues while the work runs. The result can be asked for again."""
    free = Event()

    def work() -> int:
        assert free.wait(10)
        return 1

    result = in_background(work)
    free.set()
    assert (result(), result()) == (1, 1)


def test_in_background_raises_the_error_with_the_result() -> None:
    """It is raised each time that the result is asked for."""

    def work() -> int:
        raise LookupError

    result = in_background(work)
    for _ in range(2):
        with pytest.raises(LookupError):
            result()
