"""Run commands through Invoke, which shows them, or under --dry only shows them."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TextIO

from invoke.context import Context
from invoke.runners import Local

# docktasks and what it imports (docker, httpx, rich) are imported where they are used: `invoke --list` needs none.
if TYPE_CHECKING:
    from docktasks.commands import Result

ROOT = Path(__file__).parents[1]

# Else the interpreter looks through all there is for what could be freed, a tenth of a short task, and then it ends.
atexit.register(gc.freeze)


class Process(Local):
    """A command in the checkout, wherever the task was called; a Ctrl-C ends it together with the task.

    Invoke alone would go on with the next one.
    """

    input_sleep = 0.002  # seconds between two looks whether it has ended; Invoke's own are five times as many
    interrupt: KeyboardInterrupt | None = None
    one_at_a_time = Lock()  # for the folder is all threads'

    def start(self, command: str, shell: str, env: dict[str, str]) -> None:
        """Start it, from the folder that every path in it is meant from."""
        with self.one_at_a_time:
            before = Path.cwd()
            os.chdir(ROOT)
            try:
                super().start(command, shell, env)
            finally:
                os.chdir(before)

    def send_interrupt(self, interrupt: KeyboardInterrupt) -> None:
        """Note the Ctrl-C, for when the command has ended."""
        Process.interrupt = interrupt
        super().send_interrupt(interrupt)


class Output:
    """Standard output that may be closed early, as by `| head` or with its terminal.

    What nobody reads is lost, and the task goes on.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write, or have everything from now on go nowhere."""
        return self._done(lambda: self.stream.write(text)) or len(text)

    def flush(self) -> None:
        """Flush, as above."""
        self._done(self.stream.flush)

    def _done(self, work: Callable[[], int | None]) -> int | None:
        try:
            return work()
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
            return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class Runner:
    """Runs argument lists through Invoke, which echoes them, or under --dry only shows them."""

    def __init__(self, c: Context) -> None:
        self.c, self.dry = c, bool(c.config.run.dry)
        c.config.runners.local = Process
        if not isinstance(sys.stdout, Output):
            sys.stdout = Output(sys.stdout)

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Run one command; a terminal gives it a terminal, so that BuildKit draws its own progress."""
        from docktasks.commands import Result

        pty = not quiet and sys.stdout.isatty()
        hide = "both" if quiet else None
        ran = self.c.run(shlex.join(args), hide=hide, warn=True, pty=pty, in_stream=False)
        interrupt, Process.interrupt = Process.interrupt, None
        if interrupt is not None:
            raise interrupt
        return Result(ran.exited, ran.stdout + ran.stderr) if ran is not None else Result()

    def attach(self, args: list[str], end: Callable[[], object] = lambda: None) -> int:
        """Run one command on this terminal, keyboard and all; its exit code. Where it is interrupted, `end` ends it."""
        print(self.c.config.run.echo_format.format(command=shlex.join(args)), flush=True)
        if self.dry:
            return 0
        with subprocess.Popen(args) as process:
            try:
                return process.wait()
            except BaseException:
                end()
                raise
