"""What a release is configured with when it is run: one image for every place, the values never in it.

They reach the page as a small script, /env.js (nginx/env.sh), so whoever sees the page sees them: no secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from docktasks.errors import SettingsError

LIMIT = 65_536
"""Characters in all; a single argument of a Linux process may have 128 KiB (MAX_ARG_STRLEN)."""

# What could end a script element or a line of script; JSON's own escapes mean the same to a browser.
_UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u007f"}


def as_json(given: Iterable[str], prefixes: tuple[str, ...]) -> str:
    """`NAME=VALUE` texts as one line of JSON that is safe inside a script; nothing for none.

    Raises SettingsError for a text without a name, and for a name that begins with none of `prefixes`.
    """
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            raise SettingsError(
                f"--env {text!r} is not NAME=VALUE.",
                "A name has capital letters, digits and _.",
                "As: --env API_URL=https://api.example.com",
            )
        if not name.startswith(prefixes):
            raise SettingsError(
                f"--env {name} begins with none of the allowed prefixes ({' '.join(prefixes) or 'there are none'}).",
                "Every visitor of the page can read it, so what may go there is listed.",
                f"Choose such a name{_allowing(name, prefixes)}",
            )
        values[name] = value
    if not values:
        return ""
    # ensure_ascii: what the shell and nginx see has no line end in it, nor U+2028, which is one to some parsers
    made = json.dumps(values, ensure_ascii=True, separators=(",", ":"), sort_keys=True).translate(_UNSAFE)
    if len(made) > LIMIT:
        raise SettingsError(
            f"The values of --env have {len(made):,} characters together.",
            f"At most {LIMIT:,} can be handed to a container.",
            "Serve what is larger as a file of its own",
        )
    return made


def _allowing(name: str, prefixes: tuple[str, ...]) -> str:
    """The setting that allows a name, where one can: a prefix ends in _."""
    beginning, underscore, _ = name.partition("_")
    allowed = " ".join((*prefixes, f"{beginning}_"))
    return f", or allow its beginning: INVOKE_PROD_ENV_PREFIXES='{allowed}'" if underscore else ""


def origins(environment: str) -> list[str]:
    """The origins of all values that are addresses, out of what as_json made: the page may call those, and its own.

    Anything else in a value, such as an address with a path pattern or a name that is not ASCII, names no origin.
    """
    values = json.loads(environment).values() if environment else ()
    found = {f"{url.scheme}://{url.netloc.rpartition('@')[2]}" for url in map(_split, values) if url}
    return sorted(origin for origin in found if re.fullmatch(r"(?:https?|wss?)://[A-Za-z0-9.-]+(?::[0-9]+)?", origin))


def _split(value: str) -> SplitResult | None:
    try:
        return urlsplit(value)
    except ValueError:  # such as a bracket that is never closed
        return None
