"""The shapes of keys, tokens and passwords, and how a file of any size is searched for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

OVERLAP = 4 << 10
"""Bytes of one piece that are looked at again with the next: more than the longest match."""

BINARY = 1 << 10
"""Bytes at a file's beginning; one with a zero among them is no text, and is not searched."""


@dataclass(frozen=True)
class Shape:
    """What is looked for. One of its `marks` is in every match: to look for those first is far faster."""

    what: str
    marks: tuple[bytes, ...]
    pattern: re.Pattern[bytes]

    def ends_in(self, text: bytes, begins: int = 0) -> Iterator[int]:
        """Where each ends that begins there or later."""
        for mark in self.marks:
            if mark in text:
                yield from (match.end() for match in self.pattern.finditer(text, begins))
                return


def _shape(what: str, marks: str, pattern: bytes) -> Shape:
    return Shape(what, tuple(marks.encode().split()), re.compile(pattern))


# As their makers publish them, or as they are. A match is no longer than OVERLAP.
SHAPES = [
    # With its first line: the words alone stand in every library that reads keys.
    _shape("a private key", "-----BEGIN", rb"-----BEGIN (?:[A-Z]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
           rb"(?:\s|\\[nr]){1,9}[A-Za-z0-9+/=:-]{16}"),
    _shape("an age key", "AGE-SECRET-KEY-1", rb"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    _shape("an npm token", "npm_ :_auth :_password",
           rb"\bnpm_[A-Za-z0-9]{36}\b|:_(?:authToken|auth|password)\s{0,9}=\s{0,9}(?!\$\{)\S{8}"),
    _shape("a PyPI token", "pypi-AgE", rb"\bpypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZ)[\w-]{50}"),
    _shape("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
           rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{50,255})\b"),
    _shape("a GitLab token", "glpat-", rb"\bglpat-[\w-]{20}"),
    _shape("a Docker Hub token", "dckr_", rb"\bdckr_[po]at_[\w-]{27}"),
    _shape("a Hugging Face token", "hf_", rb"\bhf_[A-Za-z0-9]{34}\b"),
    _shape("an OpenAI key", "T3BlbkFJ", rb"\bsk-(?:(?:proj|svcacct|admin)-)?[\w-]{20,100}T3BlbkFJ[\w-]{20}"),
    _shape("an Anthropic key", "sk-ant-", rb"\bsk-ant-[a-z]{3,9}\d\d-[\w-]{80}"),
    _shape("an AWS key", "AKIA ASIA", rb"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    _shape("an Azure storage key", "AccountKey=", rb"\bAccountKey=[A-Za-z0-9+/]{86}=="),
    # The short one is like a method of a variable hvs: so long, with a digit and a capital, none is.
    _shape("a Vault token", "hvs. hvb.",
           rb"(?<![\w.$])hv[sb]\.(?:[\w-]{90}|(?=\w{0,23}\d)(?=\w{0,23}[A-Z])[A-Za-z0-9]{24}\b)"),
    _shape("a SendGrid key", "SG.", rb"\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])"),
    _shape("a Slack token", "xox xapp-",
           rb"\b(?:xox[abeoprs]-\d[0-9A-Za-z-]{19}|xapp-\d-[A-Z0-9]{9,15}-\d{9,15}-[a-f0-9]{32})"),
    _shape("a Slack webhook", "hooks.slack.com/",  # but for the one of the documentation, which ends in X
           rb"\bhooks\.slack\.com/(?:services/T\w{8,12}/B\w{8,12}|(?:workflows|triggers)/T\w{8,12}/[\w/]{8,50})"
           rb"/(?!X{24})\w{24}"),
    _shape("a Stripe key", "k_live_", rb"\b[rs]k_live_[0-9A-Za-z]{20}"),
    _shape("an address with a password", "://",
           rb"://[^\s/:@\"'`<>$(){}]{1,256}:(?!(?:pass(?:word|wd)?|pwd|pw|secret)@)[^\s/:@\"'`<>$(){}]{1,256}@[\w.-]"),
]  # fmt: skip

NAMED = re.compile(r"(?i)(?:^|_)(?:password|passwd|secret|token|api_?key|private_?key|credentials?)(?:_|$)")
"""Names of variables that are given to a build and stay in its image."""

FILED = re.compile(
    r"(?i)/(?:[._]netrc|\.pgpass|\.git-credentials|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|[^/]+\.(?:p12|pfx|jks|keystore))$"
)
"""Files that hold nothing else, many of them in no shape that can be searched."""


class Search:
    """A search of a file that comes in pieces, of which none is kept but the last, and the end of the one before."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}
        self._held = b""
        self._before = 0  # bytes of what is held that tell only whether a word begins after them
        self._text: bool | None = None

    def feed(self, piece: bytes) -> None:
        """Take one more piece, and search the one before."""
        if self._text is None:
            self._text = b"\0" not in piece[:BINARY]
        if not self._text:
            return
        if self._held:
            self._look(len(self._held) - 1)  # what ends where it ends may be cut off: it is looked at again
            self._before = int(len(self._held) > OVERLAP)
        self._held = self._held[-OVERLAP - 1 :] + piece

    def end(self) -> tuple[str, ...]:
        """What was found in all of it."""
        self._look(len(self._held))
        return tuple(self._found)

    def _look(self, ends: int) -> None:
        for shape in SHAPES:
            if shape.what not in self._found and any(end <= ends for end in shape.ends_in(self._held, self._before)):
                self._found[shape.what] = None


def found(text: bytes) -> tuple[str, ...]:
    """What a text holds that nobody should read."""
    search = Search()
    search.feed(text)
    return search.end()
