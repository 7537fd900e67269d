"""The versions of Vite whose dev server is safe."""

from __future__ import annotations

import re

from docktasks.app.package import PackageManager

FIRST_SAFE_VERSIONS = {8: (8, 0, 16), 7: (7, 3, 5), 6: (6, 4, 3)}
"""The first version of each major without the known ways to read files through the dev server (November 2026)."""


def unsafe_vite_notice(log: str, manager: PackageManager) -> list[str]:
    """Return a notice when Vite, by the version in its log, is unsafe; with the command for a safe version."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", log)
    version = re.search(r"VITE v(\d+)\.(\d+)\.(\d+)", plain)
    if version is None:
        return []
    numbers = tuple(map(int, version.groups()))
    first_safe = FIRST_SAFE_VERSIONS.get(numbers[0], FIRST_SAFE_VERSIONS[6])
    if numbers >= first_safe or numbers[0] > max(FIRST_SAFE_VERSIONS):
        return []
    safe = ".".join(map(str, first_safe))
    fault = f"The dev server of Vite {'.'.join(version.groups())} lets others read files, which {safe} does not"
    return [f"{fault}: invoke npm -- {manager.add} vite@{safe}"]
