"""Run commands to their end, as a user would, and show what they print when a test fails."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from benchmarks.commands import COMMAND_TIMEOUT_S, clean_environ, docker, run_command
from docktasks.commands import Result

__all__ = ["COMMAND_TIMEOUT_S", "PrintingRunner", "clean_environ", "docker", "run_command", "shown_commands"]


def shown_commands(output: str) -> list[list[str]]:
    """Return the commands that a task printed among other lines, under --echo or --dry."""
    lines = output.replace(" \\\n    ", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith(("docker ", "mmdebstrap ", "npm pack "))]


class PrintingRunner:
    """A `docktasks.commands.Run` that runs commands in a folder and prints their output."""

    dry = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Run a command. The output is always printed, also with `quiet`."""
        del quiet
        return run_command(args, self.folder, clean_environ())

    def attach(self, args: list[str], end: Callable[[], object] = lambda: None) -> int:
        """Run a command without a terminal."""
        del end
        return self(args).code
