"""The packages that a lock file names, by name and version, whichever package manager wrote it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

ENTRIES = {
    "pnpm": r"^  '?/?(@?[^@\s'(]+?)[@/](\d[^:'(_\s]*)",
    "yarn": r'^"?(?:[^"\s,]+@npm:)?(@?[^@"\s,]+)@[^\n]*:\n(?:  (?!version)[^\n]*\n)*  version:? "?([^"\n]+)',
    "bun": r'\["(@?[^@"]+)@(\d[^"]*)"',
}
"""Package manager -> what matches name and version in its lock file."""


def locked(path: Path, manager: str) -> set[tuple[str, str]]:
    """Return name and version of each package of a lock file. Empty if it is in a form that is not known."""
    text = path.read_text(encoding="utf-8", errors="replace")
    entries = _npm_entries(text) if manager == "npm" else re.findall(ENTRIES[manager], text, re.MULTILINE)
    return {(name, version.partition("+")[0]) for name, version in entries}


def _npm_entries(text: str) -> Iterator[tuple[str, str]]:
    with contextlib.suppress(ValueError, AttributeError):  # such as one with a conflict of git, or of another form
        for folder, package in json.loads(text).get("packages", {}).items():
            if "node_modules/" in folder and package.get("version"):
                yield package.get("name") or folder.rpartition("node_modules/")[2], package["version"]
