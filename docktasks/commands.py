"""The result of a command, and the protocol of the runner that every command goes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


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
    """Shows a command and runs it. A non-zero exit code raises nothing.

    With `dry`, commands are shown and not run. With `quiet`, the terminal does not get the command's own output.
    """

    dry: bool

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Run an argument list, and return its result."""
