"""Patterns of keys, tokens and passwords, and a search for them in files of any size."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, NamedTuple

from docktasks.resources import table

OVERLAP_BYTES = 4 << 10
"""The end of a chunk that is searched again with the next chunk. It is longer than the longest match."""
SNIFF_BYTES = 1 << 10
"""A file with a zero in these first bytes is not text."""

PAGE_FILE = re.compile(r"\.(?:x?html?|[cm]?js|css|svg|md|txt|xml|vtt|map|webmanifest)$", re.IGNORECASE)
"""What a visitor reads, and what documentation shows examples of passwords in."""

SITE_FILE = re.compile(r"^/srv/")
"""Data of a site has words such as `password` as keys of texts for people."""

BROTLI_FILE = re.compile(r"^/srv/(?:hashed/)?br/")
"""A compressed copy of a file of the site (assemble.mjs). The check image.precompressed compares it with that file."""
GZIP_MAGIC = b"\x1f\x8b"

Kind = Literal["page", "data", "settings", "binary", "compressed"]
"""The kinds of text: a page or script, a site's data, anything else such as a variable, a file that is no text,
and one that is compressed, in which no pattern has a match."""


def kind_of(path: str) -> Kind:
    """Return the kind of the text in a file."""
    if BROTLI_FILE.search(path):
        return "compressed"
    if PAGE_FILE.search(path):
        return "page"
    return "data" if SITE_FILE.search(path) else "settings"


class SecretPattern(NamedTuple):
    """A secret. Every match has one of the `literals`, which are far faster to look for than the pattern.

    `kinds` are the kinds of text in which a match is no example and no word for people.
    """

    name: str
    literals: tuple[bytes, ...]
    pattern: bytes  # compiled where it is needed, because few tasks need any
    kinds: tuple[Kind, ...]


SECRET_PATTERNS = [
    SecretPattern(
        row["name"],
        tuple(map(str.encode, row["literals"])),
        row["pattern"].encode(),
        tuple(row.get("kinds", ("page", "data", "settings", "binary"))),
    )
    for row in table(__file__)
]
"""From the documentation of the services, or from examples. A match has at most OVERLAP_BYTES."""


@cache
def _literals(kind: Kind) -> list[tuple[bytes, SecretPattern]]:
    """Each literal with its pattern, for a kind of text. In one list, because a file has none of nearly all."""
    return [(literal, secret) for secret in SECRET_PATTERNS if kind in secret.kinds for literal in secret.literals]


BINARY_KEY = re.compile(
    rb"\xfe\xed\xfe\xed|\xce\xce\xce\xce"  # Java's key stores
    rb"|0(?:\x80|\x82..|\x81.|[\x20-\x7f])(?:"
    rb"\x02\x01\x00\x02[\x40-\x41\x81\x82]"  # RSA: RFC 8017, A.1.2
    rb"|\x02\x01[\x00\x01]0.\x06[\x03-\x09]"  # PKCS#8: RFC 5958
    rb"|\x02\x01\x01\x04[\x20\x30\x42]"  # EC: RFC 5915
    rb"|0(?:\x82..|\x81.|.)\x06.\x2a\x86\x48\x86\xf7\x0d\x01[\x05\x0c]"  # encrypted PKCS#8
    rb"|\x02\x01\x030)",  # PKCS#12: RFC 7292
    re.DOTALL,
)
"""Matches the beginning of a file that is a private key in binary form, by its ASN.1."""

SECRET_VARIABLE = re.compile(
    r"(?i)(?:^|_)(?:password|passwd|secret|token|api_?key|private_?key|access_?key|credentials?)(?:_|$)"
    r"|_(?:auth|pass|pwd|passphrase|(?<!public_)(?<!publishable_)(?<!anon_)(?<!site_)key)$|(?:^|_)authToken$"
)
"""Matches the name of a variable whose value is a secret."""

SECRET_FILE = re.compile(
    r"(?i)/(?:[._]netrc|\.pgpass|\.my\.cnf|\.git-credentials|\.pypirc|\.sentryclirc|\.dockercfg|\.dockerconfigjson"
    r"|\.docker/config\.json|\.aws/credentials|\.kube/config|\.vault-token|\.htpasswd|\.htdigest"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|(?:credentials|service[-_]account[\w-]*|secrets?)\.(?:json|ya?ml)"
    r"|[^/]+\.(?:p12|pfx|jks|keystore|kdbx|keytab|ppk))$"
)
"""Matches the path of a file that holds only secrets. Many of these have no pattern to search for."""


class SecretSearch:
    """Searches a file that comes in chunks. It keeps the last chunk, and the end of the one before."""

    def __init__(self, kind: Kind = "settings") -> None:
        self._names: dict[str, None] = {}
        self._kind: Kind = kind
        self._buffer = b""
        self._start = 0  # 1 when the first byte only shows whether a word begins after it
        self._is_first = True

    def feed(self, chunk: bytes) -> None:
        """Add a chunk of the file, and search the chunk before it."""
        if self._is_first and BINARY_KEY.match(chunk):
            self._names["a private key, in binary form"] = None
        if self._is_first and chunk.startswith(GZIP_MAGIC):
            self._kind = "compressed"
        elif self._is_first and self._kind != "compressed" and b"\0" in chunk[:SNIFF_BYTES]:
            self._kind = "binary"
        self._is_first = False
        if self._buffer:
            self._search(len(self._buffer) - 1)  # a match that ends at the last byte may be longer with the next chunk
            self._start = int(len(self._buffer) > OVERLAP_BYTES)
        self._buffer = self._buffer[-OVERLAP_BYTES - 1 :] + chunk

    def end(self) -> tuple[str, ...]:
        """Search the last chunk. Return the names of all secrets in the file."""
        self._search(len(self._buffer))
        return tuple(self._names)

    def _search(self, limit: int) -> None:
        text = self._buffer
        for secret in dict.fromkeys([secret for literal, secret in _literals(self._kind) if literal in text]):
            matches = re.compile(secret.pattern).finditer(text, self._start)
            if any(match.end() <= limit for match in matches):
                self._names[secret.name] = None


def find_secrets(text: bytes, kind: Kind = "settings") -> tuple[str, ...]:
    """Return the names of the secrets in a text."""
    search = SecretSearch(kind)
    search.feed(text)
    return search.end()
