from __future__ import annotations

from docktasks.commands import Result


def test_tail_of_a_result_has_no_blank_lines() -> None:
    """tail() returns the last lines that have text."""
    assert Result(1, "one\n\ntwo\n   \nthree\n\n").tail(2) == "two\nthree"
    assert Result(1, "one\n").tail() == "one"
    assert (Result(0).ok, Result(1).ok) == (True, False)
