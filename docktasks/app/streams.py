"""Standard streams that end no task: text that cannot be printed is dropped."""

from __future__ import annotations

import errno
import io
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import IO, Any

from docktasks import progress

READER_GONE = (errno.EPIPE, errno.EIO, errno.EBADF)
"""The errors of a pipe without a reader, as after `| head`, and of a closed terminal. Other errors are reported."""


class Sink(io.FileIO):
    """The file of a standard stream. After a write that fails, all that is written to it is dropped."""

    def write(self, data: Any) -> int:
        """Write the data, and wait while the reader is slow."""
        try:
            while (count := super().write(data)) is None:  # another program made the pipe non-blocking, and it is full
                select.select([], [self], [])
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            if error.errno not in READER_GONE:
                sys.stderr.write(f"! The output cannot be written ({error.strerror}): the rest is lost.\n")
            return len(data)
        return count


def protect() -> None:
    """Let no fault of the standard streams end this process or its commands, which use colours only on a terminal."""
    if sys.stdout is sys.__stdout__ and not progress.wants_colours(os.environ, sys.stdout):
        os.environ["NO_COLOR"] = "1"
        os.environ.pop("FORCE_COLOR", None)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # it was closed before, as by `>&-`
            _occupy(number)
            setattr(sys, name, Path(os.devnull).open("w" if number else "r", encoding="utf-8"))  # noqa: SIM115 - until the end
        elif number and stream is getattr(sys, f"__{name}__"):
            setattr(sys, name, _protected(stream))


def _occupy(number: int) -> None:
    """Open /dev/null as a file descriptor that is closed. Else the next file would get it, and commands print to it."""
    try:
        os.fstat(number)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
        os.set_inheritable(number, True)  # noqa: FBT003 - its only form


def _protected(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """Return a stream for the same file. A character that its encoding lacks is escaped, as Python does on stderr."""
    stream.flush()
    buffer = io.BufferedWriter(Sink(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(buffer, stream.encoding, "backslashreplace", line_buffering=stream.line_buffering)


@contextmanager
def attached(args: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command on this terminal. Output to a pipe passes through our streams: SIGPIPE would end the command."""
    pipes = [None if stream.isatty() else subprocess.PIPE for stream in (sys.stdout, sys.stderr)]
    with subprocess.Popen(args, stdout=pipes[0], stderr=pipes[1]) as process:
        ends = ((process.stdout, sys.stdout), (process.stderr, sys.stderr))
        threads = [Thread(target=_copy, args=(pipe, stream), daemon=True) for pipe, stream in ends if pipe]
        for thread in threads:
            thread.start()
        yield process
        for thread in threads:
            thread.join()


def _copy(pipe: IO[bytes], stream: io.TextIOWrapper) -> None:
    for chunk in iter(lambda: os.read(pipe.fileno(), 1 << 16), b""):
        stream.buffer.write(chunk)
        stream.flush()
