"""Run commands: what a command leaves, and the runner that every command goes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Result:
    """What a command left: its exit code and the text it printed (stdout and stderr)."""

    code: int = 0
    output: str = ""

    @property
    def ok(self) -> bool:
        """True when the command succeeded."""
        return self.code == 0

    def tail(self, lines: int = 15) -> str:
        """The last `lines` lines printed, without blank ones."""
        return "\n".join([line for line in self.output.splitlines() if line.strip()][-lines:])


class Run(Protocol):
    """Runs an argument list, shows it first, and never raises for a non-zero exit code.

    `dry` tells that commands are shown and not run; `quiet` keeps the command's own output off the terminal.
    """

    dry: bool

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Run `args` and return its Result."""
