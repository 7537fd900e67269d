"""Take the secrets of a build out of what commands print: an app may print them, and logs are kept."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import TextIO

from docktasks.app.inputs import SECRETS_VARIABLE

MIN_CHARS = 4
"""A shorter line of a secret is shown: it stands everywhere by chance."""

MASK = "***"


def masker(environ: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that takes out of a text the secrets that the docker process gets in an environment."""
    words = shlex.split(environ.get(SECRETS_VARIABLE, ""))
    lines = {line.strip() for word in words for line in word.partition("=")[2].splitlines()}
    # The longest first, because one may contain another.
    secrets = sorted((line for line in lines if len(line) >= MIN_CHARS), key=len, reverse=True)

    def mask(text: str) -> str:
        for line in secrets:
            text = text.replace(line, MASK)
        return text

    return mask


class MaskedStream:
    """A stream that shows whole lines without secrets. Call end() for the last line."""

    def __init__(self, stream: TextIO, mask: Callable[[str], str]) -> None:
        self._stream, self._mask, self._held = stream, mask, ""

    def write(self, text: str) -> None:
        """Show the lines that are complete."""
        lines, newline, self._held = (self._held + text).rpartition("\n")
        self._stream.write(self._mask(lines + newline))

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def end(self) -> None:
        """Show what follows the last line."""
        self._stream.write(self._mask(self._held))
        self._stream.flush()
