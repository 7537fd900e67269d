"""The sessions that a repository's own noxfile imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.fakes.apps import ROOT

NOXFILE = """import nox
from docktasks.nox import build_prod, verify

@nox.session(python=False)
def dev(session):
    "The repository's own."
    print("own dev")
"""


def run_nox(folder: Path, *args: str) -> str:
    """Run nox in a folder, and return what it prints."""
    command = [sys.executable, "-m", "nox", "--non-interactive", *args]
    environ = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "DOCKER_HOST": "tcp://127.0.0.1:1",
    }
    result = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose noxfile imports two of our sessions, and has one with the name of a third."""
    (tmp_path / "noxfile.py").write_text(NOXFILE)
    return tmp_path


def test_noxfile_has_the_sessions_that_it_imports(repository: Path) -> None:
    """The others are none of its own, so a name of theirs is free."""
    listed = run_nox(repository, "--list")
    assert [line.split()[1] for line in listed.splitlines() if line.startswith("* ")] == ["build-prod", "verify", "dev"]
    assert "own dev" in run_nox(repository, "--session", "dev")


def test_session_runs_the_task_and_passes_flags_on(repository: Path) -> None:
    """It is the task of nox's own environment. Here it finds no app."""
    printed = run_nox(repository, "--session", "build-prod", "--", "--quiet")
    assert f"{sys.executable} -m docktasks build-prod --quiet" in printed
    assert "There is no Vite app in" in printed


def test_unknown_session_is_named(repository: Path) -> None:
    """Python says that the import failed."""
    (repository / "noxfile.py").write_text("from docktasks.nox import deploy\n")
    assert "cannot import name 'deploy'" in run_nox(repository, "--list")
