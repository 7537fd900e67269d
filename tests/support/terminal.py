"""A task in a terminal of its own, with a keyboard."""

from __future__ import annotations

import os
import select
import subprocess
from contextlib import suppress

from docktasks.waiting import Probe, wait_until
from tests.support.commands import COMMAND_TIMEOUT_S
from tests.support.project import ProjectUnderTest
from tests.support.running_task import RunningTask


class Terminal(RunningTask):
    """A running task whose keyboard and screen are a pseudo-terminal, which can be closed."""

    def __init__(self, project: ProjectUnderTest, *args: str, **env: str) -> None:
        self._controller, screen = os.openpty()
        self._shown = b""
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *project.command(*args)], cwd=project.checkout, env=project.environ | env,
            stdin=screen, stdout=screen, stderr=screen,
        )  # fmt: skip
        os.close(screen)

    @property
    def output(self) -> str:
        """All that the terminal has shown. Reading it makes room: a task that prints to a full terminal is blocked."""
        with suppress(OSError):  # EIO: the last process has closed its end
            while self._controller >= 0 and select.select([self._controller], [], [], 0)[0]:
                self._shown += os.read(self._controller, 1 << 16)
        return self._shown.decode(errors="replace")

    def press(self, keys: str) -> None:
        """Type on the keyboard."""
        os.write(self._controller, keys.encode())

    def wait_for_exit(self, limit: float = 60) -> int:
        """Read the terminal until its task has ended, up to `limit` seconds, and return its exit code."""
        wait_until(lambda: Probe(bool(self.output) and self.process.poll() is not None), limit)
        return self.process.wait(0)

    def close(self) -> None:
        """Close the window."""
        os.close(self._controller)
        self._controller = -1

    def end(self) -> None:
        """Kill the task if it still runs, and print its output for the report of a failed test."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(COMMAND_TIMEOUT_S)
        if self._controller >= 0:
            print(self.output)
            os.close(self._controller)
