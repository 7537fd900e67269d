"""A command as a text for a shell, its result, and the protocol of the runner for what changes the machine."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

MAX_LINE_CHARS = 74
SWITCHES = {"--follow", "--force", "--interactive", "--no-install-recommends", "--now", "--tty", "--volumes", "--yes"}
"""Flags without a value that may stand before a name."""


@dataclass(frozen=True)
class Result:
    """The exit code of a command, and the text that it printed on stdout and stderr."""

    code: int = 0
    output: str = ""

    @property
    def ok(self) -> bool:
        """True when the command succeeded."""
        return self.code == 0

    def tail(self, lines: int = 15) -> str:
        """Return the last `lines` lines that were printed, without blank ones."""
        return "\n".join([line for line in self.output.splitlines() if line.strip()][-lines:])


class Run(Protocol):
    """Runs a command, or with `dry` only shows it. A non-zero exit code raises nothing."""

    dry: bool

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Run an argument list, and return its result. Its output is shown if it fails, unless it is `quiet`."""

    def attach(self, args: list[str], end: Callable[[], object] = lambda: None) -> int:
        """Run a command on this terminal with its keyboard, and return its exit code. On an interrupt call `end`."""


def output_of(args: Sequence[str]) -> str:
    """Return what a command that only looks prints on stdout; empty when it fails, or is not installed."""
    if not shutil.which(args[0]):
        return ""
    result = subprocess.run(args, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else ""


def flags(flag: str, *values: object) -> list[str]:
    """Return the arguments that repeat a flag, once before each value that is not empty or 0."""
    return [arg for value in values if value for arg in (flag, str(value))]


def shell_text(args: Sequence[str]) -> str:
    r"""Return a command as a user can read, copy and run it: one flag with its value a line, which ends in `\`."""
    lines: list[list[str]] = []
    for word in args:
        if lines and not word.startswith("-") and _has_room(lines[-1], word):
            lines[-1].append(word)
        else:
            lines.append([word])
    text = shlex.join(args)
    has_one_flag = sum(word.startswith("-") for word in args) <= 1
    if has_one_flag and len(text) <= MAX_LINE_CHARS and "\n" not in text:
        return text
    return " \\\n    ".join(map(shlex.join, lines))


def _has_room(line: list[str], word: str) -> bool:
    """Return True when a word that is no flag belongs to this line: as the value of its flag, or to other words."""
    if line[0].startswith("-"):
        return len(line) == 1 and line[0] not in SWITCHES and "=" not in line[0]
    return len(shlex.join([*line, word])) <= MAX_LINE_CHARS
