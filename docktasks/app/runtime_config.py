"""The configuration of a release that `run-prod --env` gives. Every visitor can read it in /env.js (nginx/env.sh)."""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Collection, Iterable, Mapping

from docktasks.errors import SettingsError
from docktasks.settings import Prod

MAX_CHARACTERS = 65_536
"""A single argument of a Linux process may have 128 KiB (MAX_ARG_STRLEN)."""

ORIGIN = re.compile(r'"(https?|wss?)://(?:[^"/?#]*@)?([A-Za-z0-9.-]+(?::[0-9]+)?)["/?#]')
"""The origin with which a text of JSON begins. nginx/env.sh finds the same ones in a file."""

_NOTICE = reprlib.Repr()  # escapes what a terminal would not print
_NOTICE.maxstring = 100

# Signs that could end a script element or a line of script. To a browser, JSON's escapes mean the same.
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u007f"}


def chosen(assignments: Iterable[str], prod: Prod, *, remove: bool) -> str | None:
    """Return what --env gives (JSON), an empty text for --no-env, or None for neither. Raises SettingsError."""
    page_config = as_json(assignments, prod.env_prefixes, prod.runtime_env)
    if page_config and remove:
        how = "Choose one: --env already replaces all earlier values"
        raise SettingsError("--env and --no-env were given together.", "--no-env removes all values.", how)
    return page_config if page_config or remove else None


def changes(before: str, chosen: str | None) -> tuple[str, ...]:
    """Say what a release keeps of the configuration before it, or what it loses. `chosen` comes from chosen()."""
    old, new = json.loads(before or "{}"), json.loads(chosen or "{}")
    if old and chosen is None:
        return (f"The page keeps its configuration: {_listed(old)}. To remove it: --no-env",)
    lost = {name: value for name, value in old.items() if name not in new}
    return (f"Removed from the page's configuration: {_listed(lost)}",) if lost else ()


def missing(page_config: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return a notice for names of prod.runtime_env that have no value in a text of as_json()."""
    without = [name for name in names if name not in json.loads(page_config or "{}")]
    if not without:
        return ()
    text = f"The page's configuration has no value for {', '.join(without)}"
    return (f"{text}, so the page has that of the build, or undefined. To give one: --env {without[0]}=…",)


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={_NOTICE.repr(value)}" for name, value in values.items())


def as_json(assignments: Iterable[str], prefixes: tuple[str, ...], names: Collection[str] = ()) -> str:
    """Return texts such as `NAME=value` as a line of JSON that is safe in a script; or "". Raises SettingsError."""
    values: dict[str, str] = {}
    for name, value in (_parse(text, prefixes, names) for text in assignments):
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


def _parse(text: str, prefixes: tuple[str, ...], names: Collection[str]) -> tuple[str, str]:
    """Return name and value of a text such as `NAME=value`. Raises SettingsError."""
    name, equals, value = text.partition("=")
    if not equals or not (name in names or re.fullmatch(r"[A-Z][A-Z0-9_]*", name)):
        raise SettingsError(
            f"--env {text!r} is not NAME=VALUE.",
            "A name has capital letters, digits and _.",
            "For example: --env API_URL=https://api.example.com",
        )
    if not (name.startswith(prefixes) or name in names):
        prefix, underscore, _ = name.partition("_")
        setting = f"INVOKE_PROD_ENV_PREFIXES='{' '.join((*prefixes, f'{prefix}_'))}'"
        raise SettingsError(
            f"--env {name} begins with none of the allowed prefixes ({' '.join(prefixes) or 'there are none'}).",
            "Every visitor of the page can read the value, so the prefixes that may be published are listed.",
            f"Choose an allowed name{f', or allow its prefix: {setting}' if underscore else ''}",
        )
    return name, value


def origins(page_config: str) -> list[str]:
    """Return the origins of all addresses in a JSON object, if they are ASCII. The page may call them."""
    return sorted({f"{scheme}://{host}" for scheme, host in ORIGIN.findall(page_config)})
