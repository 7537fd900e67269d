from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest

from docktasks.output import Screen
from docktasks.verify import report
from docktasks.verify.registry import Verdict
from docktasks.verify.report.run import VerifyRun, escaped, shortened
from tests.unit.fakes.reports import verdict, verify_run


def lines(*verdicts: Verdict, width: int = 80) -> list[str]:
    """The lines in a terminal of this width, without colours."""
    shown_lines = shown(verify_run(*verdicts), width=width).splitlines()
    assert max(len(line) for line in shown_lines) <= width
    return [line.rstrip() for line in shown_lines]


def shown(run: VerifyRun, *, width: int = 80, terminal: bool = True, quiet: bool = False) -> str:
    """What a terminal or a pipe gets of a run."""
    written = io.StringIO()
    report.show(run, Screen(written, width if terminal else 0), quiet=quiet)
    return written.getvalue()


def text(*verdicts: Verdict, width: int = 80) -> str:
    """The text in a terminal, with single spaces."""
    return " ".join(" ".join(lines(*verdicts, width=width)).split())


def test_summary_counts_the_outcomes() -> None:
    """It is one line, even for a run without checks."""
    run = [verdict("pass"), verdict("pass"), verdict("fail", "x"), verdict("skip", "y")]
    assert verify_run(*run).summary == "2 passed, 1 failed, 1 skipped in 1.0 s"
    assert verify_run().summary == "0 passed, 0 failed, 0 skipped in 1.0 s: nothing was checked"


def test_passed_check_is_one_line() -> None:
    """It has the summary of the check and no fix. The group and its counts are above it."""
    assert lines(verdict("pass")) == [
        "verify http://127.0.0.1:8080",
        "http: 1 passed",
        "  ✓ http.files: Every file answers 200.",
        "1 passed, 0 failed, 0 skipped in 1.0 s",
    ]


def test_note_is_below_its_check() -> None:
    """A long note is folded, and control characters in it are escaped."""
    passed = replace(verdict("pass"), notes=("The data is old. " * 8 + "\x1b[2J",))
    failed = replace(verdict("fail", "a fault", name="http.missing"), notes=("Data of today",))
    assert "Every file answers 200. The data is old." in text(passed)
    assert "\\x1b[2J" in text(passed)
    assert "a fault · Data of today Right: Every file answers 200. → Build it again" in text(failed)


@pytest.mark.parametrize("width", [80, 120])
def test_long_summary_is_wrapped_on_a_terminal(width: int) -> None:
    """No word is lost, and further lines begin below the first one's text."""
    summary = "Every file of the site is answered 200, complete, with the content type that its name promises to all."
    first, *others, _counts = lines(verdict("pass", summary=summary * 2), width=width)[2:]
    assert " ".join([first, *map(str.strip, others)]) == f"  ✓ http.files: {summary * 2}"
    assert all(re.match(r"    \S", line) for line in others)
    assert others


def test_pipe_gets_each_check_on_one_line() -> None:
    """A log has no width, so nothing is wrapped, and only a fault of more than 160 characters is cut."""
    sentence = "Every file answers. " * 7
    run = verify_run(
        verdict("pass", summary=sentence),
        verdict("fail", f"/a: {sentence}", name="http.missing", summary=sentence, fix=sentence),
        verdict("skip", sentence, name="http.encoding"),
    )
    shown_lines = shown(run, terminal=False).splitlines()
    assert shown_lines[2:] == [
        f"  ✓ http.files: {sentence}",
        f"  ✗ http.missing FAILS (critical): /a: {sentence}",
        f"    Right: {sentence}",
        f"    → {sentence}",
        f"  - 1 check skipped: {sentence} (http.encoding)",
        "1 passed, 1 failed, 1 skipped in 1.0 s",
    ]
    assert "…" not in "".join(shown_lines)


def test_quiet_run_shows_what_keeps_it_from_passing() -> None:
    """Those are the failures, and with --strict the skips."""
    run = verify_run(
        verdict("pass"), verdict("fail", "/a: 404", name="http.missing"), verdict("skip", "y", name="http.x")
    )
    assert [text in shown(run, quiet=True) for text in ("✓", "✗ http.missing", "skipped: y")] == [False, True, False]
    assert "skipped: y" in shown(replace(run, strict=True), quiet=True)


def test_advice_is_shown_and_does_not_fail() -> None:
    """It says what was found, what is right, and the fix. A quiet run leaves it out."""
    run = verify_run(verdict("pass"), verdict("advice", "/a: 404", "/b: 404", name="http.missing"))
    assert shown(run).splitlines()[1:] == [
        "http: 1 passed, 1 advised",
        "  ✓ http.files: Every file answers 200.",
        "  ! http.missing (critical): 404, on 2 places: /a, /b",
        "    · /a: 404",
        "    · /b: 404",
        "    Right: Every file answers 200.",
        "    → Build it again",
        "1 passed, 0 failed, 1 advised, 0 skipped in 1.0 s",
    ]
    assert run.passed
    assert "/a" not in shown(run, quiet=True)


def test_faults_of_the_app_itself_have_a_section() -> None:
    """Neither the image nor the server causes them."""
    advice = verdict("advice", "button: contrast of 2.5", name="browser.accessible")
    own = replace(advice, check=replace(advice.check, is_of_app=True))
    headings = [line for line in lines(verdict("pass", name="browser.renders"), own) if not line.startswith(" ")]
    assert headings[1:-1] == ["browser: 1 passed", "browser, the app's own: 1 advised"]


def test_left_out_checks_are_one_line() -> None:
    """They are no skips: nobody asked for what is not there."""
    left_out = tuple(verdict("pass", name=name).check for name in ("image.user", "dev.leaks", "dev.loopback"))
    run = replace(verify_run(verdict("pass")), left_out=left_out, left_out_reason="--url names only an address")
    assert shown(run).splitlines()[-2:] == [
        "image, dev: 3 checks left out: --url names only an address",
        "1 passed, 0 failed, 0 skipped in 1.0 s",
    ]


def test_groups_are_shown_in_order_with_their_counts() -> None:
    """Each group has a heading."""
    run = [verdict("pass", name="image.user"), verdict("fail", "x"), verdict("pass", name="http.missing")]
    headings = [line for line in lines(*run) if not line.startswith(" ")]
    assert headings[1:-1] == ["image: 1 passed", "http: 1 passed, 1 failed"]


def test_failed_check_shows_what_was_found_first() -> None:
    """Its evidence, what is right and the fix follow. What is right is no headline of a failure."""
    assert lines(verdict("fail", "/assets/a.js: 404", "/b.css: 200 text/plain"))[2:-1] == [
        "  ✗ http.files FAILS (critical): /assets/a.js: 404 (and 1 more)",
        "    · /assets/a.js: 404",
        "    · /b.css: 200 text/plain",
        "    Right: Every file answers 200.",
        "    → Build it again",
    ]


def test_only_fault_of_a_check_is_its_headline() -> None:
    """It is not repeated below."""
    assert lines(verdict("fail", "it is privileged"))[2:-1] == [
        "  ✗ http.files FAILS (critical): it is privileged",
        "    Right: Every file answers 200.",
        "    → Build it again",
    ]


def test_skips_with_one_reason_are_one_line() -> None:
    """A skip has no fix."""
    away = [verdict("skip", "needs an image", name=f"image.{name}") for name in ("user", "contents")]
    mixed = [verdict("pass"), verdict("skip", "no brotli", name="http.encoding")]
    shown = lines(*away, *mixed)
    assert "  - 2 checks skipped: needs an image (image.user, image.contents)" in shown
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
    assert f"· {evidence}" in text(verdict("fail", evidence, "other"))


def test_evidence_does_not_control_the_terminal() -> None:
    """Characters that move the cursor, set colours or turn the reading direction are shown as escapes."""
    shown = text(verdict("fail", "a\x1b[2J\x9b0m\nb\r\u202ec\ud800", "other"))
    assert r"· a\x1b[2J\x9b0m\nb\r\u202ec\ud800" in shown


def test_fix_is_no_markup() -> None:
    """A fix may have brackets, too."""
    assert "→ Set [always] in nginx/" in text(verdict("fail", "x", fix="Set [always] in nginx/"))


def test_long_evidence_is_wrapped() -> None:
    """No character is lost at 80 columns."""
    path = "/assets/" + "x" * 100 + ".js:404"
    assert path in text(verdict("fail", path)).replace(" ", "")


def test_very_long_evidence_is_cut() -> None:
    """A header of a megabyte does not fill the screen. The beginning and the end are shown: where, and what."""
    assert len(lines(verdict("fail", "x" * 1_000_000))) < 10
    assert shortened(f"/a{'x' * 999}: 404") == f"/a{'x' * 107}…{'x' * 45}: 404"
    assert len(escaped("x" * 1_000_000)) == 2001


@pytest.mark.parametrize("colour", [True, False])
def test_report_is_complete_without_colours(colour: bool) -> None:  # noqa: FBT001 - the case
    """A pipe or NO_COLOR removes colours, but no sign and no word."""
    written = io.StringIO()
    screen = Screen(written, 80, has_colours=colour)
    report.show(verify_run(verdict("pass"), verdict("fail", "x", name="http.missing")), screen)
    assert ("\x1b[" in written.getvalue()) is colour
    plain = re.sub(r"\x1b\[[\d;]*m", "", written.getvalue())
    assert all(text in plain for text in ("✓", "✗ http.missing FAILS", "1 passed, 1 failed"))
