from __future__ import annotations

import contextlib
import io
import os
import re
import time
from collections.abc import Iterable, Iterator

import pytest

from docktasks.progress import Drawing, Progress, print_text


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


def test_quiet_progress_prints_only_notes(capsys: pytest.CaptureFixture[str]) -> None:
    """With --quiet a warning is still printed."""
    steps = Progress(quiet=True)
    steps("built")
    steps.note("a gap begins.")
    assert capsys.readouterr().out == "! a gap begins.\n"


class Screen(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@contextlib.contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """A terminal of 40 columns."""
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((40, 24)))
    with contextlib.redirect_stdout(Screen()) as screen:
        yield screen


def drawn(pieces: Iterable[str], *, keep: bool = False) -> str:
    """What a terminal gets of a drawing that is written in these pieces."""
    with contextlib.redirect_stdout(Screen()) as screen:
        drawing = Drawing()
        for piece in pieces:
            drawing.write(piece)
        drawing.end(keep=keep)
    return screen.getvalue()


TEXT = "! Built on hello-dock-base-node:26.12.1, a stand-in for node:lts-alpine."


def test_text_is_wrapped_between_words_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further lines are indented. A word that is longer than a line stays whole."""
    with terminal(monkeypatch) as screen:
        print_text(f"{TEXT}\n{'x' * 50}", indent="  ")
    assert screen.getvalue().splitlines() == [
        "! Built on hello-dock-base-node:26.12.1,",
        "  a stand-in for node:lts-alpine.",
        "x" * 50,
    ]


def test_text_is_one_line_on_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """A log has no width."""
    print_text(TEXT)
    assert capsys.readouterr().out == f"{TEXT}\n"


UP, HIDE, SHOW = "\x1b[1A", "\x1b[?25l", "\x1b[?25h"
LAST = "done\r\n" * 60
FRAMES = [f"{HIDE}one\r\n{SHOW}", f"{UP}{HIDE}one\r\ntwo\r\n{SHOW}", f"{UP}{UP}{HIDE}{LAST}{SHOW}"]
"""What BuildKit draws: each frame over the one before. The last one may be higher than the screen."""


def cursor_row(text: str) -> int:
    """Return how many rows below its start a text leaves the cursor."""
    moves = re.findall(r"\n|\x1b\[(\d+)A", text)
    return sum(-int(number) if number else 1 for number in moves)


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_drawing_is_erased_from_where_it_began(size: int) -> None:
    """The pieces of the output may begin anywhere, also inside a control sequence."""
    text = "".join(FRAMES)
    shown = drawn(text[start : start + size] for start in range(0, len(text), size))
    assert cursor_row(shown) == 0
    assert shown.endswith(f"\r\x1b[J{SHOW}")


def test_last_frame_of_a_drawing_is_not_shown() -> None:
    """What has left the screen could not be erased. The frames before it are shown."""
    shown = drawn(FRAMES)
    assert "two" in shown
    assert "done" not in shown


def test_drawing_of_a_failed_command_is_kept() -> None:
    """The user reads what happened."""
    assert drawn(FRAMES, keep=True) == "".join(FRAMES)


def test_command_that_draws_nothing_leaves_the_terminal_as_it_was() -> None:
    """The line above stays."""
    assert drawn([]) == ""
