"""What GitHub is told of a run, with the run and with a pull request."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from docktasks.output import Screen
from docktasks.verify import report
from docktasks.verify.registry import Verdict
from docktasks.verify.report.terminal import GITHUB
from tests.unit.fakes.reports import verdict, verify_run


def commands(monkeypatch: pytest.MonkeyPatch, *verdicts: Verdict, strict: bool = False) -> list[str]:
    """Return the commands for GitHub in what a run prints there."""
    monkeypatch.setenv(GITHUB, "true")
    written = io.StringIO()
    report.show(replace(verify_run(*verdicts), strict=strict), Screen(written, 80))
    return [line for line in written.getvalue().splitlines() if line.startswith("::")]


def test_failed_check_is_an_error_with_evidence_and_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one line. The title is the check's id."""
    failed = verdict("fail", "/a.js: 404", "/b.js: 500", name="http.missing")
    text = "/a.js: 404 (and 1 more)%0A/b.js: 500%0ARight: Every file answers 200.%0AFix: Build it again"
    assert commands(monkeypatch, verdict("pass"), failed) == [f"::error title=http.missing (critical)::{text}"]


def test_advice_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not fail the run."""
    (command,) = commands(monkeypatch, verdict("advice", "a fault"))
    assert command.startswith("::warning title=http.files (critical)::a fault%0A")


@pytest.mark.parametrize("fault", ["x\n::error::forged", "x\r\n::stop-commands::a", "100%0A::error::forged"])
def test_text_of_a_site_gives_github_no_command(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """A site's own text stays the text of its fault."""
    (command,) = commands(monkeypatch, verdict("fail", fault))
    assert command.startswith("::error title=http.files (critical)::")


def test_skip_is_an_error_only_where_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """--strict counts a skip as failed."""
    skips = [verdict("skip", "no browser", name=name) for name in ("browser.renders", "browser.console")]
    assert commands(monkeypatch, verdict("pass"), *skips) == []
    assert commands(monkeypatch, verdict("pass"), *skips, strict=True) == [
        "::error title=skipped%2C which --strict counts as failed::browser.renders, browser.console"
    ]


def test_other_machines_get_no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would be noise in a terminal."""
    written = io.StringIO()
    for value in ("", "false"):
        monkeypatch.setenv(GITHUB, value)
        report.show(verify_run(verdict("fail", "a fault")), Screen(written))
    assert "::error" not in written.getvalue()
