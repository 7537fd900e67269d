"""Run commands to their end, as a user would, and show what they print when they fail."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from benchmarks.checkout import ROOT
from docktasks.commands import Result
from docktasks.errors import BenchError

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
    if not result.ok:
        raise BenchError(f"`docker {' '.join(args[:2])}` failed.", "", "Correct what it reports", result.output)
    return result.output.strip()


def clean_environ() -> dict[str, str]:
    """Return the environment of this process without settings of the tasks and of BuildKit."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("INVOKE_", "DOCKER_BUILDKIT"))}
