"""Copies of this checkout, and small apps for single tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from benchmarks.checkout import GENERATED, ROOT
from tests.support.commands import clean_environ, run_command

OTHER_OWNER = (4711, 4712) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
"""The uid and gid for files that must not belong to root. A test without root's rights keeps its own."""


def copy_checkout(target: Path) -> Path:
    """Copy this checkout as git would clone it, with one commit, and return the copy's folder."""
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*GENERATED))
    return make_repository(target)


def make_repository(folder: Path) -> Path:
    """Make a folder a git repository with one commit of all its files, and return the folder."""
    dates = {"GIT_AUTHOR_DATE": "2026-11-01T12:00:00Z", "GIT_COMMITTER_DATE": "2026-11-01T12:00:00Z"}
    author = ["-c", "user.name=tests", "-c", "user.email=tests@localhost", "-c", "commit.gpgsign=false"]
    for args in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*author, "commit", "--quiet", "--no-verify", "--message", "copy"],
    ):
        result = run_command(["git", "-c", "core.hooksPath=/dev/null", *args], folder, clean_environ() | dates)
        assert result.ok, result.output
    return folder


def write_app(app: Path, files: Mapping[str, str]) -> Path:
    """Write an app's files, given as contents by path, and return its folder."""
    for name, content in files.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(content)
    return app


def chown_tree(folder: Path, owner: tuple[int, int] = OTHER_OWNER) -> Path:
    """Give a folder and everything in it to `owner` (uid and gid), and return the folder."""
    for path in (folder, *folder.rglob("*")):
        os.lchown(path, *owner)
    return folder
