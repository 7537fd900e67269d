"""The configuration of a release that `run-prod --env` gives: one image runs with different values in each place.

The values reach the page in a small script, /env.js (docktasks/images/nginx/env.sh). Every visitor can read them, so
they must not be secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from docktasks.errors import SettingsError

MAX_CHARACTERS = 65_536
"""A single argument of a Linux process may have 128 KiB (MAX_ARG_STRLEN)."""

# Signs that could end a script element or a line of script. To a browser, JSON's escapes mean the same.
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u007f"}


def as_json(assignments: Iterable[str], prefixes: tuple[str, ...]) -> str:
    """Return texts such as `NAME=value` as one line of JSON that is safe inside a script; empty for no text.

    Raises SettingsError for a text without a name, for a name that begins with none of `prefixes` or is there twice.
    """
    values: dict[str, str] = {}
    for name, value in (_parse(text, prefixes) for text in assignments):
        if values.setdefault(name, value) != value:
            raise SettingsError(f"--env {name} is given twice, with two values.", "Only one can count.", "Give it once")
    if not values:
        return ""
    # ensure_ascii, because U+2028 ends a line to some parsers
    text = json.dumps(values, ensure_ascii=True, separators=(",", ":"), sort_keys=True).translate(_ESCAPES)
    if len(text) > MAX_CHARACTERS:
        raise SettingsError(
            f"The values of --env have {len(text):,} characters together.",
            f"A container can get at most {MAX_CHARACTERS:,}.",
            "Serve a larger value as a file of the app",
        )
    return text


def _parse(text: str, prefixes: tuple[str, ...]) -> tuple[str, str]:
    """Return name and value of a text such as `NAME=value`. Raises SettingsError."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        raise SettingsError(
            f"--env {text!r} is not NAME=VALUE.",
            "A name has capital letters, digits and _.",
            "For example: --env API_URL=https://api.example.com",
        )
    if not name.startswith(prefixes):
        raise SettingsError(
            f"--env {name} begins with none of the allowed prefixes ({' '.join(prefixes) or 'there are none'}).",
            "Every visitor of the page can read the value, so the prefixes that may be published are listed.",
            f"Choose an allowed name{_allowing(name, prefixes)}",
        )
    return name, value


def _allowing(name: str, prefixes: tuple[str, ...]) -> str:
    """Say which setting would allow a name; empty for a name without _, because a prefix ends in one."""
    prefix, underscore, _ = name.partition("_")
    allowed = " ".join((*prefixes, f"{prefix}_"))
    return f", or allow its prefix: INVOKE_PROD_ENV_PREFIXES='{allowed}'" if underscore else ""


def origins(environment: str) -> list[str]:
    """Return the origins of all addresses in a text of as_json(). The page may send requests to them.

    Other values, such as an address with a pattern or a name that is not ASCII, have no origin.
    """
    values = json.loads(environment).values() if environment else ()
    texts = {f"{url.scheme}://{url.netloc.rpartition('@')[2]}" for url in map(_split, values) if url}
    return sorted(text for text in texts if re.fullmatch(r"(?:https?|wss?)://[A-Za-z0-9.-]+(?::[0-9]+)?", text))


def _split(value: str) -> SplitResult | None:
    try:
        return urlsplit(value)
    except ValueError:  # for example a bracket that is not closed
        return None
