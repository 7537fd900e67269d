from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from docktasks.progress import Progress


@pytest.fixture
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two and a half seconds, and then 0.04, pass between the steps."""
    times: Iterator[float] = iter([100.0, 102.5, 102.54])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))


@pytest.mark.usefixtures("_clock")
def test_each_step_is_told_with_the_seconds_since_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    """Aligned, one a line; a note takes no time."""
    steps = Progress()
    steps("built")
    steps.note("a gap begins.")
    steps("serves")
    assert capsys.readouterr().out == "   2.5 s  built\n! a gap begins.\n   0.0 s  serves\n"


def test_where_nothing_is_done_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """As under --dry."""
    steps = Progress(silent=True)
    steps("built")
    steps.note("a gap begins.")
    assert capsys.readouterr().out == ""
