"""A git repository for a test."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit_all(folder: Path) -> str:
    """Make the folder a repository with one commit of everything in it, and return the commit's id."""
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "x")
    return _git(folder, "rev-parse", "HEAD")


def _git(folder: Path, *args: str) -> str:
    author = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    result = subprocess.run(["git", "-C", str(folder), *author, *args], capture_output=True, text=True, check=True)
    return result.stdout.strip()
