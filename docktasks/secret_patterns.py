"""Patterns of keys, tokens and passwords, and a search for them in files of any size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

OVERLAP_BYTES = 4 << 10
"""The end of a chunk that is searched again with the next chunk. It is longer than the longest match."""
SNIFF_BYTES = 1 << 10
"""A file with a zero in these first bytes is not text, and is not searched."""


class SecretPattern(NamedTuple):
    """A kind of secret. Every match has one of the `literals`, which are far faster to look for than the pattern."""

    name: str
    literals: tuple[bytes, ...]
    pattern: re.Pattern[bytes]

    def match_ends(self, text: bytes, start: int) -> Iterator[int]:
        """Yield the end of each match that begins at `start` or later."""
        if any(literal in text for literal in self.literals):
            yield from (match.end() for match in self.pattern.finditer(text, start))


SECRET_PATTERNS = [
    SecretPattern(row["name"], tuple(map(str.encode, row["literals"])), re.compile(row["pattern"].encode()))
    for row in json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
]
"""From the documentation of the services, or from examples. A match has at most OVERLAP_BYTES."""

SECRET_VARIABLE = re.compile(r"(?i)(?:^|_)(?:password|passwd|secret|token|api_?key|private_?key|credentials?)(?:_|$)")
"""Matches the name of a variable whose value is a secret."""

SECRET_FILE = re.compile(
    r"(?i)/(?:[._]netrc|\.pgpass|\.git-credentials|\.pypirc|\.sentryclirc|\.dockercfg|\.dockerconfigjson"
    r"|\.docker/config\.json|\.aws/credentials|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|[^/]+\.(?:p12|pfx|jks|keystore))$"
)
"""Matches the path of a file that holds only secrets. Many of these have no pattern to search for."""


class SecretSearch:
    """Searches a file that comes in chunks. It keeps the last chunk, and the end of the one before."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._buffer = b""
        self._start = 0  # 1 when the first byte only shows whether a word begins after it
        self._is_text: bool | None = None

    def feed(self, chunk: bytes) -> None:
        """Add a chunk of the file, and search the chunk before it."""
        if self._is_text is None:
            self._is_text = b"\0" not in chunk[:SNIFF_BYTES]
        if not self._is_text:
            return
        if self._buffer:
            self._search(len(self._buffer) - 1)  # a match that ends at the last byte may be longer with the next chunk
            self._start = int(len(self._buffer) > OVERLAP_BYTES)
        self._buffer = self._buffer[-OVERLAP_BYTES - 1 :] + chunk

    def end(self) -> tuple[str, ...]:
        """Search the last chunk. Return the names of all secrets in the file."""
        self._search(len(self._buffer))
        return tuple(self._names)

    def _search(self, limit: int) -> None:
        for kind in SECRET_PATTERNS:
            if any(end <= limit for end in kind.match_ends(self._buffer, self._start)):
                self._names[kind.name] = None


def find_secrets(text: bytes) -> tuple[str, ...]:
    """Return the names of the secrets in a text."""
    search = SecretSearch()
    search.feed(text)
    return search.end()
