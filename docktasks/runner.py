"""Run commands through Invoke, which shows them, or under --dry only shows them."""

from __future__ import annotations

import atexit
import gc
import os
import shlex
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.runners import Local

from docktasks import streams

# docktasks and what it imports (docker, httpx, rich) are imported where they are used: `invoke --list` needs none.
if TYPE_CHECKING:
    from docktasks.commands import Result

ROOT = Path(__file__).parents[1]

# Skip the garbage collection at exit, which takes a tenth of a short task's time.
atexit.register(gc.freeze)


class Process(Local):
    """A command that runs in the checkout. Ctrl-C ends it and the task; Invoke's own would run the next command."""

    input_sleep = 0.002  # seconds between two looks whether the command has ended, a fifth of Invoke's own
    interrupt: KeyboardInterrupt | None = None
    folder_lock = Lock()  # all threads share the current folder

    def start(self, command: str, shell: str, env: dict[str, str]) -> None:
        """Start the command in the checkout, because its paths are relative to that."""
        with self.folder_lock:
            before = Path.cwd()
            os.chdir(ROOT)
            try:
                super().start(command, shell, env)
            finally:
                os.chdir(before)

    def send_interrupt(self, interrupt: KeyboardInterrupt) -> None:
        """Pass the interrupt on, and keep it: it is raised when the command has ended."""
        Process.interrupt = interrupt
        if self.using_pty:
            super().send_interrupt(interrupt)
        else:
            with suppress(PermissionError):  # of sudo, which gets a Ctrl-C from the terminal
                self.process.send_signal(signal.SIGINT)


class Runner:
    """Runs argument lists through Invoke, which echoes them, or under --dry only shows them."""

    def __init__(self, c: Context) -> None:
        self.c, self.dry = c, bool(c.config.run.dry)
        c.config.runners.local = Process

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Run one command, on a terminal when the task has one, so that BuildKit draws its progress."""
        from docktasks.commands import Result

        pty = not quiet and sys.stdout.isatty()
        hide = "both" if quiet else None
        result = self.c.run(shlex.join(args), hide=hide, warn=True, pty=pty, in_stream=False)
        interrupt, Process.interrupt = Process.interrupt, None
        if interrupt is not None:
            raise interrupt
        return Result(result.exited, result.stdout + result.stderr) if result is not None else Result()

    def attach(self, args: list[str], end: Callable[[], object] = lambda: None) -> int:
        """Run one command on this terminal with its keyboard, and return its exit code. On an interrupt call `end`."""
        if self.dry or self.c.config.run.echo:
            print(self.c.config.run.echo_format.format(command=shlex.join(args)), flush=True)
        if self.dry:
            return 0
        with streams.attached(args) as process:
            try:
                return process.wait()
            except BaseException:
                end()
                raise
