"""Ask git which commit the app is at."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from docktasks.app.package import is_external_app, read_package
from docktasks.settings import Settings


@dataclass(frozen=True)
class Source:
    """What is built: `revision` the commit (ending in -dirty with local changes), `epoch` its time in seconds."""

    version: str
    revision: str = ""
    epoch: str = ""


def source(settings: Settings) -> Source:
    """Version, commit and commit time of what goes into the image; git's part is empty outside a git checkout."""
    version = str(read_package(settings).get("version", "0.0.0"))
    folder = str(settings.app_dir)
    head = _git(folder, "log", "-1", "--format=%H %ct")
    if not head:
        return Source(version)
    revision, epoch = head.split()
    parts = [folder] if is_external_app(settings) else ["hello-dock", "nginx", "node", "Dockerfile", ".dockerignore"]
    changed = _git(
        str(settings.root if not is_external_app(settings) else folder), "status", "--porcelain", "--", *parts
    )
    return Source(version, f"{revision}-dirty" if changed else revision, epoch)


def has_commit(settings: Settings, revision: str) -> bool:
    """False when the app's git checkout surely lacks a commit; one that is shallow, or none, may have had it."""
    folder = str(settings.app_dir)
    if _git(folder, "rev-parse", "--is-shallow-repository") != "false":
        return True
    return _git(folder, "cat-file", "-t", revision) == "commit"


def _git(folder: str, *args: str) -> str:
    try:
        asked = subprocess.run(["git", "-C", folder, *args], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
