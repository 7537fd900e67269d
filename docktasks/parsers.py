"""Parsers of a setting's text. Each raises ValueError, whose message says what the text must be."""

from __future__ import annotations

import ipaddress
import re
import shlex
import shutil
from collections.abc import Callable
from typing import Any

Parser = Callable[[str], Any]
"""Turns the text of a setting into its value."""

MIN_MEMORY_BYTES = 6 << 20
"""Docker's own minimum: https://docs.docker.com/engine/containers/resource_constraints/#memory"""

_UNIT_BYTES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def matching(pattern: str, meaning: str) -> Parser:
    """Return a parser that takes a text which matches a pattern as a whole. `meaning` is the error's text."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(meaning)
        return text

    return parse


def whole(low: int, high: int, meaning: str) -> Parser:
    """Return a parser that takes a whole number from `low` to `high`. `meaning` says in an error what it counts."""

    def parse(text: str) -> int:
        # isascii: int() also takes the digits of other scripts, which Docker does not.
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise ValueError(f"{meaning}, {low} to {high}")
        return int(text)

    return parse


def words(pattern: str, meaning: str, separators: str = r"\s") -> Parser:
    """Return a parser that takes words which match a pattern, between separators. It returns each once."""

    def parse(text: str) -> tuple[str, ...]:
        parts = re.findall(rf"[^{separators}]+", text)
        if not all(re.fullmatch(pattern, word, re.ASCII) for word in parts):
            raise ValueError(meaning)
        return tuple(dict.fromkeys(parts))

    return parse


platforms = words(r"linux/[a-z0-9]+(/v[0-9]+)?", "platforms such as linux/amd64,linux/arm64", r"\s,")
prefixes = words(r"[A-Z][A-Z0-9_]*_", "prefixes of names such as API_ PUBLIC_, separated by spaces")
names = words(
    r"[A-Za-z_]\w*", "names of environment variables such as NPM_TOKEN, separated by spaces; never their values"
)


def memory(text: str) -> str:
    """Return the text unchanged when Docker accepts it as a container's memory, such as 64m."""
    if not re.fullmatch(r"[1-9][0-9]*[bkmg]", text) or int(text[:-1]) * _UNIT_BYTES[text[-1]] < MIN_MEMORY_BYTES:
        raise ValueError("a size such as 64m, at least Docker's own minimum of 6m")
    return text


def program(text: str) -> str:
    """Return the text unchanged when it is empty or names a program that can be run."""
    if text and not shutil.which(text):
        raise ValueError("a program that can be run, by its name or path")
    return text


def text_of(value: Any) -> str:
    """Return a value of a YAML file as the text that the environment would have; a list as words, a mapping as K=V."""
    if value is None:
        return ""
    if hasattr(value, "keys"):
        return shlex.join(f"{key}={text_of(value[key])}" for key in value.keys())  # noqa: SIM118 - Invoke's is no mapping
    if isinstance(value, list):
        return shlex.join(map(text_of, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def variables(text: str) -> tuple[tuple[str, str | None], ...]:
    """Return names and values in a text such as `A=1 "B=two words" C`; no value for a name without one."""
    meaning = 'variables such as HUSKY=0 "NODE_OPTIONS=a b", or names, separated by spaces'
    try:
        words = [word.partition("=") for word in shlex.split(text)]
        names(" ".join(name or "=" for name, _, _ in words))
    except ValueError:
        raise ValueError(meaning) from None
    return tuple({name: (name, value if equals else None) for name, equals, value in words}.values())


def networks(text: str) -> tuple[str, ...]:
    """Return the addresses and networks in a text, where spaces separate them."""
    try:
        return tuple(str(ipaddress.ip_network(word, strict=False)) for word in text.split())
    except ValueError:
        raise ValueError("addresses or networks such as 10.0.0.0/8 fd00::/8, separated by spaces") from None


def https(text: str) -> tuple[str, ...]:
    """Return nothing for off, the word mkcert, or the paths of a certificate and its key."""
    meaning = "off, mkcert, or the files of a certificate and of its key, as in cert.pem key.pem"
    try:
        words = shlex.split(text)
    except ValueError as error:  # a quote that is not closed
        raise ValueError(meaning) from error
    if words in (["off"], ["mkcert"]) or len(words) == 2:  # noqa: PLR2004 - the two files
        return tuple(word for word in words if word != "off")
    raise ValueError(meaning)
