"""The app's version of Vite, and whether its dev server is safe."""

from __future__ import annotations

import re

from docktasks.app import safe_versions
from docktasks.app.manifest import entries
from docktasks.app.package import App
from docktasks.roles import DEV

VERSION = r"\d+\.\d+\.\d+(?:-[\w.-]*\w)?"
ANSI_COLOR = re.compile(r"\x1b\[[0-9;]*m")
BANNER = re.compile(rf"\b(rolldown-vite|vite) v({VERSION})", re.IGNORECASE)
"""What the dev server prints when it starts: its package and the version that is installed."""

LOCK_ENTRIES = {
    "npm": rf'"node_modules/vite": {{\s+(?:"name": "(\S+)",\s+)?"version": "({VERSION})"',
    "pnpm": rf"^ +vite:\s+specifier: .+\s+version: (?:(@?[^\s@(]+)@)?({VERSION})",
    "bun": rf'^ +"vite": \["(\S+)@({VERSION})"',
    "yarn": rf'^"?vite@(?:npm:)?(?:([a-z][\w-]*)@)?[^\n]*:\s+version:? "?({VERSION})',
}
"""Vite's entry in a lock file, with its package where package.json calls another one vite (npm:rolldown-vite@7)."""


def notices_of_log(log: str, app: App) -> list[str]:
    """Return a notice when Vite, by the version in its log, is unsafe; with the command for a safe version."""
    return _notices(app, BANNER.findall(ANSI_COLOR.sub("", log)))


def notices_of_files(app: App) -> list[str]:
    """Return a notice when Vite, by the lock file, or by an exact version in package.json, is unsafe."""
    return _notices(app, _pinned_versions(app))


def _pinned_versions(app: App) -> list[tuple[str, str]]:
    """Return the package that the app calls vite, and its version, as far as the app's files say it."""
    manager = app.package_manager
    if manager.lock:
        text = (app.root / manager.lock).read_text(errors="replace")
        return re.findall(LOCK_ENTRIES[manager.name], text, re.MULTILINE)
    return re.findall(rf"^(?:npm:(\S+)@)?=?({VERSION})$", _declared_version(app))


def _declared_version(app: App) -> str:
    """Return the version of Vite, or the range, that package.json asks for; empty for none."""
    return str(entries(app.manifest, "devDependencies", "dependencies").get("vite", ""))


def port_for_socket(app: App, host_port: int) -> int:
    """Return the port that pages have to be told for their socket when Vite is published at `host_port`; 0 for none.

    Pages of Vite 2.6 to 2.9 take the port on which Vite listens. Those of an older one do so, too, but it takes no
    configuration of ours. Without a lock file ^2.0.0 is 2.9.
    """
    version = next((version for _, version in _pinned_versions(app)), _declared_version(app))
    takes_port = re.match(r"(?:\^2|[~=v]*2\.[6-9])\b", version)
    return host_port if takes_port and host_port != DEV.container_port else 0


def _notices(app: App, versions: list[tuple[str, str]]) -> list[str]:
    for package, version in versions[:1]:
        judgement = safe_versions.judge(package.lower() or "vite", version)
        if judgement and judgement.fault:
            command = f"invoke npm -- {app.package_manager.add} {judgement.package}@{judgement.next_safe}"
            return [f"{judgement.fault}. Others may read files through its dev server: {command}"]
    return []
