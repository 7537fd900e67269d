"""A git repository for a test."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

EPOCH = "1700000000"
"""The time of every commit, in seconds since 1970."""


def commit_all(folder: Path) -> str:
    """Make the folder a repository with one commit of everything in it, and return the commit's id."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *args: str) -> str:
    """Run git in a folder with an author and a time of its own, and return its output."""
    author = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    environment = os.environ | dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{EPOCH} +0000")
    command = ["git", "-C", str(folder), *author, *args]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
