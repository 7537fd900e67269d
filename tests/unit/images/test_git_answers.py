"""Tests of what answers in place of git in a build."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.unit.fakes.apps import ROOT

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def git(command: str, **variables: str) -> str:
    """Return the answer to a command of git in a build with these variables; an empty text where it fails."""
    environ = os.environ | {"REVISION": f"{COMMIT}-dirty", "SOURCE_DATE_EPOCH": "1796082671"} | variables
    words = ["node", str(ROOT / "docktasks/images/node/git.cjs"), *command.split()]
    done = subprocess.run(words, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if done.stdout else 128)
    assert done.stdout or done.stderr.startswith("fatal: not a git repository")
    return done.stdout.rstrip("\n")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("rev-parse HEAD", COMMIT),
        ("-C /app rev-parse --short HEAD", "0123456"),
        ("rev-parse --short=9 HEAD", "012345678"),
        ("describe --tags --always --dirty", "0123456-dirty"),
        ('log -1 --pretty="%ai" docs/checks.md', '"2026-11-30 23:51:11 +0000"'),
        ("describe --always --dirty=-mod --abbrev=12", "0123456789ab-mod"),
        ("log -1 --format=%as HEAD -- docs", "2026-11-30"),
        ("log -n 1 --format=format:%h@%cI", "0123456@2026-11-30T23:51:11+00:00"),
        ("show -s --format=%cd", "Mon Nov 30 23:51:11 2026 +0000"),
    ],
)
def test_git_in_a_build_knows_the_commit_and_its_time(command: str, answer: str) -> None:
    """VitePress asks for the time of each page, many configurations of Vite for the hash."""
    assert git(command) == answer


@pytest.mark.parametrize(
    "command",
    [
        "", "--version", "log -1 --format=%s", "log --format=%H", "rev-parse --abbrev-ref HEAD", "status",
        "--git-dir=/other/.git rev-parse HEAD", "rev-parse --short=2 HEAD", "rev-parse HEAD~1",
        "log -1 --format=%H HEAD~3", "log -1 --format=%H v1.0", "log -1 --skip=5 --format=%h",
        "log -1 --author=Bob --format=%h", "log -1 --diff-filter=A --format=%ai docs", "log -1 --abbrev=12 --format=%h",
        "log -1 --format=%H -- gone.md", "log -n 2 --format=%H", "log -1 --reverse --format=%H",
        "show -s --format=%H origin/main", "show --format=%H", "show -s --format=%H docs",
        "describe --tags", "describe --always v1.0", "describe --always --exact-match", "describe --always --abbrev=0",
        "describe --always --all",
    ],
)  # fmt: skip
def test_git_in_a_build_is_no_repository_for_another_question(command: str) -> None:
    """A wrong answer is worse than none: an app that expects it has a way out, and an error names the variables."""
    assert git(command) == ""


def test_package_of_a_repository_takes_git_itself() -> None:
    """The error of an installation has this line, and names an image with git."""
    words = [
        "node",
        str(ROOT / "docktasks/images/node/git.cjs"),
        "--no-replace-objects",
        "ls-remote",
        "ssh://a.example",
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert "ENOENT: git ls-remote" in done.stderr


def test_git_in_a_build_without_a_commit_is_no_repository() -> None:
    """So it is where a checkout has no commit yet."""
    for command in ("rev-parse HEAD", "log -1 --format=%cd", "describe --always --dirty"):
        assert git(command, REVISION="") == ""


def test_git_in_a_dev_container_knows_the_commit_without_its_time() -> None:
    """That container gets no time: the same commit is edited in it."""
    assert git("rev-parse HEAD", SOURCE_DATE_EPOCH="") == COMMIT
    assert git("log -1 --format=%H", SOURCE_DATE_EPOCH="") == COMMIT
    assert git("log -1 --format=%cd", SOURCE_DATE_EPOCH="") == ""
