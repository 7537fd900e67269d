"""What a task prints while it works: each step with its seconds, and what a command draws on the terminal."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

from docktasks.command_names import spelled

FRAME_START, CURSOR_ON = "\x1b[?25l", "\x1b[?25h"
"""BuildKit hides the cursor before it draws a frame over the one before, and shows it afterwards."""


def wants_colours(environ: Mapping[str, str], stream: TextIO | None) -> bool:
    """Return True when what is printed on a stream should have colours: https://no-color.org, https://force-color.org."""
    if environ.get("NO_COLOR") or environ.get("FORCE_COLOR"):
        return not environ.get("NO_COLOR") and environ["FORCE_COLOR"] != "0"
    return stream is not None and stream.isatty() and environ.get("TERM") != "dumb"


def print_text(text: str, indent: str = "    ") -> None:
    """Print a text. A terminal gets its lines wrapped between words, with `indent` before each further line."""
    text = spelled(text)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else len(text) + 1
    wrapper = textwrap.TextWrapper(width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    print("\n".join(map(wrapper.fill, text.splitlines())), flush=True)


def print_notices(notices: Sequence[str]) -> None:
    """Print what the user should know."""
    for notice in notices:
        print_text(f"! {notice}", indent="  ")


class Progress:
    """Prints a line after each step. With `quiet` it prints only notes, with `silent`, as under --dry, nothing."""

    def __init__(self, *, quiet: bool = False, silent: bool = False) -> None:
        self.quiet, self.silent, self._last = quiet or silent, silent, time.monotonic()

    def __call__(self, step: str) -> None:
        """Print what was done, and the seconds since the step before."""
        now = time.monotonic()
        seconds, self._last = now - self._last, now
        if not self.quiet:
            print_text(f"{seconds:6.1f} s  {step}", indent=" " * 10)

    def restart(self) -> None:
        """Let the next step's time begin now."""
        self._last = time.monotonic()

    def note(self, text: str) -> None:
        """Print what a user should know before it happens."""
        if not self.silent:
            print_notices([text])


class Drawing:
    """What a command draws on the terminal. It is erased at the end, or kept.

    What has left the screen cannot be erased, so BuildKit's last frame, which may be higher, is shown only at the end.
    """

    _shown = _held = ""

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        self._mask = mask  # takes secrets out of a text

    def write(self, text: str) -> None:
        """Show a text, or hold it back while it may be the last frame."""
        text = self._held + text
        end = text.rfind(FRAME_START) if FRAME_START in text else len(text)
        self._held = text[end:]
        self._show(text[:end])

    def flush(self) -> None:
        """Do nothing, because each text is flushed when it is shown."""

    def end(self, *, keep: bool) -> None:
        """Show the rest; or remove all of it, and move the cursor to where it began."""
        ups = sum(int(number or 1) for number in re.findall(r"\x1b\[(\d*)A", self._shown))
        rows = self._shown.count("\n") + self._shown.count("\x1b[1B") - ups
        if keep:
            self._show(self._held)
        elif self._shown:
            self._show((f"\x1b[{rows}A" if rows > 0 else "") + f"\r\x1b[J{CURSOR_ON}")

    def _show(self, text: str) -> None:
        text = self._mask(text)
        self._shown += text
        sys.stdout.write(text)
        sys.stdout.flush()
