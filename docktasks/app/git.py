"""Ask git which commit the app is at."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from docktasks.app.package import App
from docktasks.settings import Settings

ASSETS = ("docktasks/images/nginx", "docktasks/images/node")
"""Folders of the checkout, next to the app's, from which the production image is made."""

BUILD_INPUTS = ("hello-dock", *ASSETS, "Dockerfile", ".dockerignore")
"""What of this checkout a build of its own app reads."""


@dataclass(frozen=True)
class Source:
    """What is built: the app's version, its commit and the commit's time.

    `revision` ends in -dirty where there are local changes, `epoch` is in seconds since 1970. Both are empty outside a
    git checkout.
    """

    version: str
    revision: str = ""
    epoch: str = ""


def source(app: App, settings: Settings) -> Source:
    """Return the version, commit and commit time of what goes into the image."""
    head = _git(app.folder, "log", "-1", "--no-show-signature", "--format=%H %ct")
    if not head:
        return Source(app.version)
    revision, epoch = head.split()
    if settings.is_external_app:
        changes = _git(app.folder, "status", "--porcelain", "--", str(app.folder))
    else:
        changes = _git(settings.root, "status", "--porcelain", "--", *BUILD_INPUTS)
    return Source(app.version, f"{revision}-dirty" if changes else revision, epoch)


def has_commit(folder: Path, revision: str) -> bool:
    """Return False when a complete git checkout lacks a commit. A shallow checkout, or none, may have had it."""
    if _git(folder, "rev-parse", "--is-shallow-repository") != "false":
        return True
    return _git(folder, "cat-file", "-t", revision) == "commit"


def _git(folder: Path, *args: str) -> str:
    """Return what git prints, an empty text where it fails or is not installed."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *args], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
