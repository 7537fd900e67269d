"""The versions of Vite that are safe to serve with."""

from __future__ import annotations

import re

from docktasks.app import package

FIRST_SAFE_VERSIONS = {8: (8, 0, 16), 7: (7, 3, 5), 6: (6, 4, 3)}
"""By major version of Vite, the first without the known ways to read files through the dev server (2026-11)."""


def unsafe_vite_notice(log: str, manager: package.PackageManager) -> list[str]:
    """A notice where Vite, by what it says at its start, is below the floors, with the version to take."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", log)
    said = re.search(r"VITE v(\d+)\.(\d+)\.(\d+)", plain)
    if said is None:
        return []
    version = tuple(map(int, said.groups()))
    floor = FIRST_SAFE_VERSIONS.get(version[0], FIRST_SAFE_VERSIONS[6])
    if version >= floor or version[0] > max(FIRST_SAFE_VERSIONS):
        return []
    fixed = ".".join(map(str, floor))
    found = ".".join(said.groups())
    what = f"Vite {found} lets others read files through the dev server, which {fixed} does not"
    return [f"{what}: invoke npm -- {manager.add} vite@{fixed}"]
