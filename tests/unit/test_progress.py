from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from docktasks.progress import Progress


@pytest.fixture
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock advances by 2.5 s, and then by 0.04 s."""
    times: Iterator[float] = iter([100.0, 102.5, 102.54])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))


@pytest.mark.usefixtures("_clock")
def test_progress_prints_the_seconds_since_the_step_before(capsys: pytest.CaptureFixture[str]) -> None:
    """The numbers are aligned. A note takes no time."""
    steps = Progress()
    steps("built")
    steps.note("a gap begins.")
    steps("serves")
    assert capsys.readouterr().out == "   2.5 s  built\n! a gap begins.\n   0.0 s  serves\n"


def test_silent_progress_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run has no steps."""
    steps = Progress(silent=True)
    steps("built")
    steps.note("a gap begins.")
    assert capsys.readouterr().out == ""
