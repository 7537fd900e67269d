"""What the dev image is made of: while that stays the same, so does the image, and nothing needs building."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from docktasks.app.package import PackageManager
from docktasks.engine.models import Image
from docktasks.images import build
from docktasks.settings import LABEL, Settings

INPUTS = f"{LABEL}.inputs"
"""The image's label with what it was made of."""


def fingerprint(settings: Settings, manager: PackageManager, given: dict[str, str], base: Image) -> str:
    """A name for all that a build of the dev image would read: what Docker's cache goes by, without asking it.

    The app's files are those that Dockerfile.dev copies by name; the others are mounted.
    """
    dockerfile = settings.root / "Dockerfile.dev"
    patterns = re.findall(r"\$\{APP_DIR\}/(\S+)", dockerfile.read_text())
    app = sorted({path for pattern in patterns for path in settings.app_dir.glob(pattern)})
    ours = [dockerfile, settings.root / ".dockerignore", *sorted((settings.root / "node").glob("*"))]
    read = hashlib.sha256()
    words = [base.id, os.environ.get("DOCKER_DEFAULT_PLATFORM", ""), str(manager)]
    for word in [*words, *build.build_args(settings, manager, "dev", given)]:
        read.update(f"{word}\0".encode())
    for path in (*ours, *app):
        read.update(f"{path.name}\0".encode() + _content(path))
    return read.hexdigest()


def _content(path: Path) -> bytes:
    """What a build takes of a file: its mode and its bytes."""
    if not path.is_file():
        return b"\0"
    return f"{path.stat().st_mode:o}\0".encode() + hashlib.sha256(path.read_bytes()).digest()
