from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from docktasks.verify import report
from docktasks.verify.registry import Verdict
from docktasks.verify.report.run import escaped
from tests.unit.fakes.reports import verdict, verify_run


def lines(*verdicts: Verdict, width: int = 80) -> list[str]:
    """The lines in a terminal of this width."""
    written = io.StringIO()
    report.show(verify_run(*verdicts), Console(file=written, width=width))
    shown_lines = written.getvalue().splitlines()
    assert max(len(line) for line in shown_lines) <= width
    return [line.rstrip() for line in shown_lines]


def text(*verdicts: Verdict, width: int = 80) -> str:
    """The text in a terminal, with single spaces."""
    return " ".join(" ".join(lines(*verdicts, width=width)).split())


def test_summary_counts_the_outcomes() -> None:
    """It is one line, even for a run without checks."""
    run = [verdict("pass"), verdict("pass"), verdict("fail", "x"), verdict("skip", "y")]
    assert report.summary(verify_run(*run)) == "2 passed, 1 failed, 1 skipped in 1.0 s"
    assert report.summary(verify_run()) == "0 passed, 0 failed, 0 skipped in 1.0 s"


def test_passed_check_is_one_line() -> None:
    """It has the summary of the check and no fix. The group and its counts are above it."""
    assert lines(verdict("pass")) == [
        "verify http://127.0.0.1:8080",
        "http: 1 passed",
        "  ✓ http.files  Every file answers 200.",
        "1 passed, 0 failed, 0 skipped in 1.0 s",
    ]


def test_note_is_below_its_check() -> None:
    """A long note is folded, and control characters in it are escaped."""
    passed = replace(verdict("pass"), notes=("The data is old. " * 8 + "\x1b[2J",))
    failed = replace(verdict("fail", "a fault", name="http.missing"), notes=("Data of today",))
    assert "Every file answers 200. The data is old." in text(passed)
    assert "\\x1b[2J" in text(passed)
    assert "· a fault · Data of today → Build it again" in text(failed)


@pytest.mark.parametrize("width", [80, 120])
def test_run_that_passes_has_one_line_a_check(width: int) -> None:
    """Long summaries are cut. Each group has one more line, and so have the name and the counts of the run."""
    names = [f"{group}.{'c' * 18}-{number}" for group in ("image", "http") for number in range(25)]
    assert (
        len(lines(*(verdict("pass", name=name, summary="Every file answers. " * 20) for name in names), width=width))
        == 50 + 2 + 2
    )


def test_groups_are_shown_in_order_with_their_counts() -> None:
    """Each group has a heading."""
    run = [verdict("pass", name="image.user"), verdict("fail", "x"), verdict("pass", name="http.missing")]
    headings = [line for line in lines(*run) if not line.startswith(" ")]
    assert headings[1:-1] == ["image: 1 passed", "http: 1 passed, 1 failed"]


def test_failed_check_shows_its_evidence_and_its_fix() -> None:
    """The first line has the severity, and the second the summary of the check."""
    assert lines(verdict("fail", "/assets/a.js: 404", "/b.css: 200 text/plain"))[2:-1] == [
        "  ✗ http.files FAILS (critical)",
        "      Every file answers 200.",
        "    · /assets/a.js: 404",
        "    · /b.css: 200 text/plain",
        "    → Build it again",
    ]


def test_skips_with_one_reason_are_one_line() -> None:
    """A skip has no fix. A group of skips with one reason is one line, too."""
    away = [verdict("skip", "needs an image", name=f"image.{name}") for name in ("user", "contents")]
    mixed = [verdict("pass"), verdict("skip", "no brotli", name="http.encoding")]
    shown = lines(*away, *mixed)
    assert "image: 2 checks skipped: needs an image" in shown
    assert "  - 1 check skipped: no brotli (http.encoding)" in shown
    assert "→" not in "".join(shown)


def test_only_the_first_faults_are_shown() -> None:
    """A line counts the others, which the JSON has."""
    shown = text(verdict("fail", *(f"fault {number}." for number in range(9))))
    assert "fault 4." in shown
    assert "fault 5." not in shown
    assert "and 4 more (--json has all)" in shown


@pytest.mark.parametrize("evidence", ["[bold]a[/bold]", "[/]", "/x: [a-z]+ [id]", "\\[red]", "ends in \\", "a:100:b"])
def test_evidence_is_no_markup(evidence: str) -> None:
    """Brackets are a part of a path or a header."""
    assert f"· {evidence}" in text(verdict("fail", evidence))


def test_evidence_does_not_control_the_terminal() -> None:
    """Characters that move the cursor, set colours or turn the reading direction are shown as escapes."""
    shown = text(verdict("fail", "a\x1b[2J\x9b0m\nb\r\u202ec\ud800"))
    assert r"· a\x1b[2J\x9b0m\nb\r\u202ec\ud800" in shown


def test_fix_is_no_markup() -> None:
    """A fix may have brackets, too."""
    assert "→ Set [always] in nginx/" in text(verdict("fail", "x", fix="Set [always] in nginx/"))


def test_long_evidence_is_wrapped() -> None:
    """No character is lost at 80 columns."""
    path = "/assets/" + "x" * 150 + ".js:404"
    assert path in text(verdict("fail", path)).replace(" ", "")


def test_very_long_evidence_is_cut() -> None:
    """A header of a megabyte does not fill the screen. Its length is shown."""
    assert escaped("x" * 1_000_000) == "x" * 2000 + "… (1,000,000 characters)"
    assert len(lines(verdict("fail", "x" * 1_000_000))) < 40


@pytest.mark.parametrize("colour", [True, False])
def test_report_is_complete_without_colours(colour: bool) -> None:  # noqa: FBT001 - the case
    """A pipe or NO_COLOR removes colours, but no sign and no word."""
    written = io.StringIO()
    console = Console(file=written, width=80, force_terminal=colour, color_system="standard" if colour else None)
    report.show(verify_run(verdict("pass"), verdict("fail", "x", name="http.missing")), console)
    assert ("\x1b[" in written.getvalue()) is colour
    assert all(text in written.getvalue() for text in ("✓", "✗ http.missing FAILS", "1 passed, 1 failed"))


def test_terminal_without_the_signs_shows_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """With LANG=C, or in an old console, there is no traceback instead of a verdict."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    report.show(verify_run(verdict("pass"), verdict("fail", "/é: 404")), report.console())
    sys.stdout.flush()
    assert rb"\u2713 http.files" in written.getvalue()
    assert rb"/\xe9: 404" in written.getvalue()
