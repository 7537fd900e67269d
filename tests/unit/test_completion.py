"""What a shell completes after a flag that has a value."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from invoke.program import Program

import tasks
from docktasks.app.completion import value_position
from docktasks.verify.catalog import CHECKS, GROUPS
from docktasks.verify.registry import SEVERITIES
from tests.unit.fakes.apps import ROOT

IDS = [check.id for check in CHECKS]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is the checkout, and no engine answers."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


def completed(capsys: pytest.CaptureFixture[str], words: str) -> list[str]:
    """Return the candidates for the end of a command line."""
    assert tasks.namespace
    argv = ["invoke", "--complete", "--", "invoke", *words.split()]
    Program(name="invoke", binary="invoke").run(argv, exit=False)
    out, err = capsys.readouterr()
    assert err == ""
    return str(out).splitlines()


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("verify --only", IDS),
        ("verify --skip http.f", IDS),
        ("verify --strict --group = ht", list(GROUPS)),
        ("verify --fail-on=", [f"--fail-on={severity}" for severity in SEVERITIES]),
        ("verify --only=http.c", [f"--only={check_id}" for check_id in IDS]),
        ("logs --role", ["dev", "prod"]),
        ("rollback --to", []),
    ],
)
def test_value_of_a_flag_is_completed(capsys: pytest.CaptureFixture[str], words: str, values: list[str]) -> None:
    """The shell itself chooses those that begin as the last word does. Without an engine there are no releases."""
    assert completed(capsys, words) == values


@pytest.mark.parametrize(
    ("words", "candidate"), [("ver", "verify"), ("verify --o", "--only"), ("logs --tail 5", "logs")]
)
def test_tasks_and_flags_are_completed_as_before(
    capsys: pytest.CaptureFixture[str], words: str, candidate: str
) -> None:
    """Invoke does that."""
    assert candidate in completed(capsys, words)


def test_other_flags_leave_the_value_to_the_shell(capsys: pytest.CaptureFixture[str]) -> None:
    """It completes names of files."""
    assert completed(capsys, "verify --html") == []


def test_position_of_a_value() -> None:
    """Each of the three shells passes on other words."""
    assert value_position([]) == ("", "")
    assert value_position(["verify"]) == ("", "")
    assert value_position(["verify", "--only"]) == ("", "--only")
    assert value_position(["verify", "--only", "="]) == ("", "--only")
    assert value_position(["verify", "--only", "=", "http"]) == ("", "--only")
    assert value_position(["verify", "--only=http"]) == ("--only=", "--only")


@pytest.mark.parametrize(("words", "reply"), [("verify --only http.ca", "http.cache-policy"), ("rollb", "rollback")])
def test_bash_completes_with_invokes_script(tmp_path: Path, words: str, reply: str) -> None:
    """The script is the one that `invoke --print-completion-script=bash` prints."""
    command = tmp_path / "invoke"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m invoke "$@"\n')
    command.chmod(0o755)
    script = f"""
        source <(invoke --print-completion-script=bash)
        COMP_WORDS=(invoke {words})
        _complete_invoke invoke "${{COMP_WORDS[-1]}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    result = subprocess.run(["bash", "-c", script], env=environ, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == [reply]
