"""Apps and checkouts that tests work on: copies of these, and small ones of somebody else's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.engine.support import ROOT, clean_environ, command

CREATE_VITE = "create-vite@9.3.0"
"""What makes new apps, of the version that is tried."""

MADE = ("node_modules", "dist", "coverage", ".git", ".venv", ".nox", ".cache", "*_cache", "__pycache__", "*.egg-info")
"""What a copy of the checkout leaves out: what can be made again."""

OWNER = (4711, 4712) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
"""Whose apps are that shall not be root's: uid and gid."""


def copy_checkout(target: Path) -> Path:
    """A copy of this checkout as git would clone it, with one commit of its own."""
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*MADE))
    return make_repository(target)


def make_repository(folder: Path) -> Path:
    """Have a folder be a checkout with one commit, of all that is in it."""
    when = {"GIT_AUTHOR_DATE": "2026-11-01T12:00:00Z", "GIT_COMMITTER_DATE": "2026-11-01T12:00:00Z"}
    who = ["-c", "user.name=tests", "-c", "user.email=tests@localhost", "-c", "commit.gpgsign=false"]
    for args in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*who, "commit", "--quiet", "--no-verify", "--message", "copy"],
    ):
        done = command(["git", "-c", "core.hooksPath=/dev/null", *args], folder, clean_environ() | when)
        assert done.code == 0, done.output
    return folder


def copy_app(target: Path) -> Path:
    """A copy of the app alone, to be edited."""
    shutil.copytree(ROOT / "hello-dock", target, ignore=shutil.ignore_patterns(*MADE))
    return target


def write_app(app: Path, files: Mapping[str, str]) -> Path:
    """An app of these files, by their paths; its folder."""
    for name, content in files.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(content)
    return app


def own(folder: Path, owner: tuple[int, int] = OWNER) -> Path:
    """Give a folder and all in it to somebody; the folder."""
    for path in (folder, *folder.rglob("*")):
        os.lchown(path, *owner)
    return folder
