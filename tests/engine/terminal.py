"""A task in a terminal, as somebody at a keyboard has it."""

from __future__ import annotations

import os
import select
import subprocess
from contextlib import suppress

from docktasks.waiting import Probe, wait_until
from tests.engine.support import LIMIT, Foreground, Project


class Terminal(Foreground):
    """The same with a terminal of its own, which has a keyboard and can be closed."""

    def __init__(self, project: Project, *args: str, **env: str) -> None:
        self._end, screen = os.openpty()
        self._shown = b""
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *project.command(*args)], cwd=project.checkout, env=project.environ | env,
            stdin=screen, stdout=screen, stderr=screen,
        )  # fmt: skip
        os.close(screen)

    @property
    def output(self) -> str:
        """All it has shown; a terminal that nobody reads from would hold up who writes to it."""
        with suppress(OSError):  # nobody has it open any more
            while self._end >= 0 and select.select([self._end], [], [], 0)[0]:
                self._shown += os.read(self._end, 1 << 16)
        return self._shown.decode(errors="replace")

    def press(self, keys: str) -> None:
        """Type on its keyboard."""
        os.write(self._end, keys.encode())

    def ends(self, limit: float = 10) -> int:
        """Wait until it has ended; its exit code."""
        wait_until(lambda: Probe(bool(self.output) and self.process.poll() is not None), limit)
        return self.process.wait(0)

    def close(self) -> None:
        """Close the window."""
        os.close(self._end)
        self._end = -1

    def end(self) -> None:
        """End it, if it has not ended, and show what it printed."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(LIMIT)
        if self._end >= 0:
            print(self.output)
            os.close(self._end)
