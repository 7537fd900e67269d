"""Run commands to their end, as a user would, and show what they print when a test fails."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from benchmarks.checkout import ROOT
from docktasks.commands import Result

COMMAND_TIMEOUT_S = 300
"""Far more than any command takes: a command that hangs ends its test and not the whole run."""


def run_command(args: list[str], cwd: Path, env: dict[str, str], stdin: str = "") -> Result:
    """Run a command with `stdin` as its input; the result's output has stdout and stderr as a terminal shows them."""
    print(f"$ {shlex.join(args)}")
    try:
        process = subprocess.run(
            args, cwd=cwd, env=env, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=COMMAND_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        print((error.output or b"").decode(errors="replace"))
        raise
    print(f"{process.stdout}\n-> exit code {process.returncode}")
    return Result(process.returncode, process.stdout)


def docker(*args: str, stdin: str = "", host: str = "", cwd: Path = ROOT) -> str:
    """Run a docker command, which must succeed, and return its output. `host` is the address of another engine."""
    result = run_command(["docker", *args], cwd, clean_environ() | ({"DOCKER_HOST": host} if host else {}), stdin)
    assert result.ok, result.output
    return result.output.strip()


def shown_commands(output: str) -> list[list[str]]:
    """Return the commands that a task printed among other lines, under --echo or --dry."""
    lines = output.replace(" \\\n    ", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith(("docker ", "mmdebstrap ", "npm pack "))]


def clean_environ() -> dict[str, str]:
    """Return the environment of this process without settings of the tasks and of BuildKit."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("INVOKE_", "DOCKER_BUILDKIT"))}


class PrintingRunner:
    """A `docktasks.commands.Run` that runs commands in a folder and prints their output."""

    dry = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Run a command. The output is always printed, also with `quiet`."""
        del quiet
        return run_command(args, self.folder, clean_environ())
