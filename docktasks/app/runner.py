"""Run commands through Invoke, and show them with --echo, or under --dry only show them."""

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
from typing import Any

from invoke.config import Config
from invoke.context import Context
from invoke.runners import Local

from docktasks import resources
from docktasks.app import streams
from docktasks.commands import Result, shell_text
from docktasks.progress import Drawing, Progress

Mask = Callable[[str], str]
"""Takes the secrets of a build out of a text (masking.py)."""

# Skip the garbage collection at exit, which takes a tenth of a short task's time.
atexit.register(gc.freeze)


def root_of(config: Config) -> Path:
    """Return the repository: where Invoke found tasks.py, or hello-dock was called; else this checkout."""
    location = config._project_prefix  # noqa: SLF001 - Invoke has no other way to tell it
    checkout = resources.PACKAGE.parent
    return Path(location) if location else checkout if resources.is_checkout(checkout) else Path.cwd()


class Process(Local):
    """A command. Ctrl-C ends it and the task; Invoke's own would run the next command."""

    input_sleep = 0.002  # seconds between two looks whether the command has ended, a fifth of Invoke's own
    interrupt: KeyboardInterrupt | None = None

    def wait(self) -> None:
        """Wait for the end. Invoke looks for a reader that failed, too; with hidden output none writes anywhere."""
        if self.opts["hide"] and not self.using_pty:
            self.process.wait()
        super().wait()

    def send_interrupt(self, interrupt: KeyboardInterrupt) -> None:
        """Pass the interrupt on, and keep it: it is raised when the command has ended."""
        Process.interrupt = interrupt
        if self.using_pty:
            super().send_interrupt(interrupt)
        else:
            with suppress(PermissionError):  # of sudo, which gets a Ctrl-C from the terminal
                self.process.send_signal(signal.SIGINT)


def is_quiet(config: Config) -> bool:
    """Return True when only the result is to be printed. Invoke ignores a variable whose setting no file has."""
    return bool(config.run.get("quiet", os.environ.get("INVOKE_RUN_QUIET") or False))


def _exit_code(name: str, code: int) -> int:
    """Return a command's exit code. Raises EngineError if it says that there is no docker command."""
    if name == "docker" and code == 127:  # noqa: PLR2004 - Docker has it, too, for a command that a container lacks
        from docktasks.engine.connect import require_cli

        require_cli()
    return code


class Runner:
    """Runs argument lists through Invoke, or under --dry only shows them. `progress` prints the steps of its task."""

    def __init__(self, c: Context) -> None:
        self.dry, self._root, own = bool(c.config.run.dry), root_of(c.config), c.config.clone()
        self.progress = Progress(quiet=is_quiet(c.config), silent=self.dry)
        own.runners.local, own.run.shell = Process, "/bin/sh"  # for our commands only; Alpine has no bash
        self.c = Context(own)

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Run one command, as Run.__call__() says. What it prints is shown without the secrets of a build.

        A terminal shows it as the command draws it. With BUILDKIT_PROGRESS=plain each line is shown as it comes.
        """
        from docktasks.app.masking import masker

        self._echo(args)
        if self.dry:
            return Result()
        mask = masker(os.environ)
        is_hidden = quiet or self.progress.quiet
        if not is_hidden and os.environ.get("BUILDKIT_PROGRESS") == "plain":
            result = self._show_lines(args, mask)
        elif not is_hidden and sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
            result = self._show_drawing(args, mask)
        else:
            result = self._hide(args, mask, shows_failure=not quiet)
        interrupt, Process.interrupt = Process.interrupt, None
        if interrupt is not None:
            raise interrupt
        return Result(_exit_code(args[0], result.code), result.output)

    def _show_lines(self, args: list[str], mask: Mask) -> Result:
        from docktasks.app.masking import MaskedStream

        streams = [MaskedStream(stream, mask) for stream in (sys.stdout, sys.stderr)]
        result = self._run(args, mask, out_stream=streams[0], err_stream=streams[1])
        for stream in streams:
            stream.end()
        return result

    def _show_drawing(self, args: list[str], mask: Mask) -> Result:
        """Give the command a terminal. What it has drawn there stays only if the command fails."""
        drawing = Drawing(mask)
        result = self._run(args, mask, pty=True, out_stream=drawing)
        drawing.end(keep=not result.ok)
        return result

    def _hide(self, args: list[str], mask: Mask, *, shows_failure: bool) -> Result:
        result = self._run(args, mask, hide="both")
        if shows_failure and not result.ok:
            sys.stderr.write(result.output)
        return result

    def _run(self, args: list[str], mask: Mask, **options: Any) -> Result:
        # Paths in commands are relative to the repository, while the task stays where the user is.
        command = f"cd {shlex.quote(str(self._root))} && exec {shlex.join(args)}"
        result = self.c.run(command, echo=False, warn=True, in_stream=False, **options)
        return Result(result.exited, mask(result.stdout + result.stderr))

    def _echo(self, args: list[str]) -> None:
        """Show a command, with --echo on standard error, where it does not mix with results."""
        if self.dry or self.c.config.run.echo:
            form = self.c.config.run.echo_format
            is_invokes_own = form == Config.global_defaults()["run"]["echo_format"]  # with colours, also into a file
            text = shell_text(args) if is_invokes_own else form.format(command=shell_text(args))
            stream = sys.stdout if self.dry else sys.stderr
            stream.write(f"{text}\n")  # at once, because another thread may show a command, too
            stream.flush()

    def attach(self, args: list[str], end: Callable[[], object] = lambda: None) -> int:
        """Run one command on this terminal with its keyboard, as Run.attach() says."""
        self._echo(args)
        if self.dry:
            return 0
        with streams.attached(args) as process:
            try:
                return process.wait()
            except BaseException:
                end()
                raise
