"""Patterns of keys, tokens and passwords, and a search for them in files of any size."""

from __future__ import annotations

import re
from collections.abc import Iterator
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


def _pattern(name: str, literals: str, pattern: bytes) -> SecretPattern:
    return SecretPattern(name, tuple(literals.encode().split()), re.compile(pattern))


# From the documentation of the services, or from examples. A match has at most OVERLAP_BYTES.
SECRET_PATTERNS = [
    # The pattern needs a line of the key: libraries that read keys contain the first line without a key.
    _pattern("a private key", "-----BEGIN", rb"-----BEGIN (?:[A-Z]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
           rb"(?:\s|\\[nr]){1,9}[A-Za-z0-9+/=:-]{16}"),
    _pattern("an age key", "AGE-SECRET-KEY-1", rb"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    # In .npmrc, .yarnrc and .yarnrc.yml, in this order. A ${VARIABLE} is no secret.
    _pattern("an npm token", "npm_ _auth _password npmAuth",
           rb"\bnpm_[A-Za-z0-9]{36}\b|(?::|(?m:^))_(?:authToken|auth|password)\s{0,9}=\s{0,9}\"?(?!\$\{)[^\s\"]{8}"
           rb"|:_(?:authToken|auth|password)\"\s{1,9}\"?(?!\$\{)[^\s\"]{8}"
           rb"|\bnpmAuth(?:Token|Ident)\"?\s{0,9}:\s{0,9}[\"']?(?!\$\{)[\w+/.=:-]{8}"),
    _pattern("a PyPI token", "pypi-AgE", rb"\bpypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZ)[\w-]{50}"),
    _pattern("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
           rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{50,255})\b"),
    _pattern("a GitLab token", "glpat-", rb"\bglpat-[\w-]{20}"),
    _pattern("a Docker Hub token", "dckr_", rb"\bdckr_[po]at_[\w-]{27}"),
    _pattern("a Hugging Face token", "hf_", rb"\bhf_[A-Za-z0-9]{34}\b"),
    _pattern("an OpenAI key", "T3BlbkFJ", rb"\bsk-(?:(?:proj|svcacct|admin)-)?[\w-]{20,100}T3BlbkFJ[\w-]{20}"),
    _pattern("an Anthropic key", "sk-ant-", rb"\bsk-ant-[a-z]{3,9}\d\d-[\w-]{80}"),
    _pattern("an AWS key", "AKIA ASIA", rb"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    _pattern("an Azure storage key", "AccountKey=", rb"\bAccountKey=[A-Za-z0-9+/]{86}=="),
    # A method of a variable `hvs` looks like a short token, but none has 24 characters with a digit and a capital.
    _pattern("a Vault token", "hvs. hvb.",
           rb"(?<![\w.$])hv[sb]\.(?:[\w-]{90}|(?=\w{0,23}\d)(?=\w{0,23}[A-Z])[A-Za-z0-9]{24}\b)"),
    _pattern("a SendGrid key", "SG.", rb"\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])"),
    _pattern("a Slack token", "xox xapp-",
           rb"\b(?:xox[abeoprs]-\d[0-9A-Za-z-]{19}|xapp-\d-[A-Z0-9]{9,15}-\d{9,15}-[a-f0-9]{32})"),
    _pattern("a Slack webhook", "hooks.slack.com/",  # but not Slack's own example, which ends in X
           rb"\bhooks\.slack\.com/(?:services/T\w{8,12}/B\w{8,12}|(?:workflows|triggers)/T\w{8,12}/[\w/]{8,50})"
           rb"/(?!X{24})\w{24}"),
    _pattern("a Stripe key", "k_live_", rb"\b[rs]k_live_[0-9A-Za-z]{20}"),
    _pattern("an address with a password", "://",
           rb"://[^\s/:@\"'`<>$(){}]{1,256}:(?!(?:pass(?:word|wd)?|pwd|pw|secret)@)[^\s/:@\"'`<>$(){}]{1,256}@[\w.-]"),
]  # fmt: skip

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
