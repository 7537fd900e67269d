"""Take the secrets of a build out of what commands print: an app may print them, and logs are kept."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from docktasks.app.inputs import SECRETS_VARIABLE

MIN_CHARS = 4
"""A shorter line of a secret is shown: it stands everywhere by chance."""

MASK = "***"


@dataclass(frozen=True)
class Secrets:
    """The lines of all secrets, the longest first, because one may contain another."""

    lines: tuple[str, ...] = ()

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Secrets:
        """Return the secrets that the docker process gets in an environment."""
        words = shlex.split(environ.get(SECRETS_VARIABLE, ""))
        lines = {line.strip() for word in words for line in word.partition("=")[2].splitlines()}
        return cls(tuple(sorted((line for line in lines if len(line) >= MIN_CHARS), key=len, reverse=True)))

    def mask(self, text: str) -> str:
        """Return the text without the secrets."""
        for line in self.lines:
            text = text.replace(line, MASK)
        return text


class MaskedStream:
    """A stream that shows whole lines without secrets. Call end() for the last line."""

    def __init__(self, stream: TextIO, secrets: Secrets) -> None:
        self._stream, self._secrets, self._held = stream, secrets, ""

    def write(self, text: str) -> None:
        """Show the lines that are complete."""
        lines, newline, self._held = (self._held + text).rpartition("\n")
        self._stream.write(self._secrets.mask(lines + newline))

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def end(self) -> None:
        """Show what follows the last line."""
        self._stream.write(self._secrets.mask(self._held))
        self._stream.flush()
