"""A task that runs until it is ended, such as `invoke dev` in the foreground."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable

from docktasks.waiting import Probe, wait_until
from tests.support.commands import COMMAND_TIMEOUT_S
from tests.support.project import ProjectUnderTest

DEV_READY = "Ctrl-C stops it."
"""What `invoke dev` prints when it serves."""


class RunningTask:
    """A started task: its process, and what it has printed so far. `env` adds to the project's environment."""

    def __init__(self, project: ProjectUnderTest, *args: str, **env: str) -> None:
        self._log = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed by end()
        self.process = subprocess.Popen(
            [*project.command_prefix, *project.command(*args)], cwd=project.checkout, env=project.environ | env,
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    @property
    def output(self) -> str:
        """All that the task has printed."""
        return os.pread(self._log.fileno(), 1 << 20, 0).decode(errors="replace")

    def wait_for(self, text: str, limit: float = 90) -> None:
        """Wait up to `limit` seconds until the task has printed a text; fail at once when it ends without it."""

        def look() -> Probe:
            return Probe(text in self.output, failed="" if self.process.poll() is None else "the task has ended")

        wait_until(look, limit)
        assert text in self.output, self.output

    def wait_for_exit(self, limit: float = COMMAND_TIMEOUT_S) -> int:
        """Wait up to `limit` seconds until the task has ended by itself, and return its exit code."""
        return self.process.wait(limit)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal as its usual sender does: Ctrl-C to all of a terminal's processes, others to the task only."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End the task and the command that it is running at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(COMMAND_TIMEOUT_S)

    def end(self) -> None:
        """Kill the task if it still runs, and print its output for the report of a failed test."""
        if self.process.poll() is None:
            self.kill()
        print(self.output)
        self._log.close()


StartTask = Callable[..., RunningTask]
"""The fixture `start_task`: takes a project, the task's words, and variables of its environment."""
