from __future__ import annotations

import io
import json
from typing import Literal

import pytest
from rich.console import Console

from docktasks import report
from docktasks.answers import Image
from docktasks.checks import Check, Verdict
from docktasks.checks.subject import Subject
from docktasks.report import Judged


def verdict(
    outcome: Literal["pass", "fail", "skip"], *evidence: str, name: str = "http.files", fix: str = "Build it again"
) -> Verdict:
    """What a check found."""
    check = Check(name, "Every file answers 200.", "critical", "url", fix, lambda _subject: [])
    return Verdict(check, outcome, evidence, 0.25)


def judged(*verdicts: Verdict) -> Judged:
    """A run of checks of an address."""
    return Judged(Subject("http://127.0.0.1:8080"), verdicts, 0.96)


def shown(*verdicts: Verdict, width: int = 80) -> str:
    """The table as a terminal of that width shows it, with every run of white space as one space."""
    written = io.StringIO()
    report.show(judged(*verdicts), Console(file=written, width=width))
    assert max(len(line) for line in written.getvalue().splitlines()) <= width
    return " ".join(written.getvalue().split())


def test_the_summary_counts() -> None:
    """One line, for whoever reads no table."""
    run = [verdict("pass"), verdict("pass"), verdict("fail", "x"), verdict("skip", "y")]
    assert report.summary(judged(*run)) == "2 passed, 1 failed, 1 skipped in 1.0 s"
    assert report.summary(judged()) == "0 passed, 0 failed, 0 skipped in 1.0 s"


def test_a_pass_is_one_line() -> None:
    """What it asserts, and neither evidence nor fix."""
    text = shown(verdict("pass"))
    assert "✓ pass http.files Every file answers 200." in text
    assert "Build it again" not in text
    assert text.startswith("verify http://127.0.0.1:8080")
    assert text.endswith("1 passed, 0 failed, 0 skipped in 1.0 s")


def test_a_failure_shows_its_evidence_and_the_fix() -> None:
    """A reader sees what was found and what to do."""
    text = shown(verdict("fail", "/assets/a.js: 404", "/b.css: 200 text/plain"))
    assert "✗ FAIL http.files Every file answers 200. · /assets/a.js: 404 · /b.css: 200 text/plain" in text
    assert "→ Build it again" in text


def test_a_skip_shows_its_reason_and_no_fix() -> None:
    """There is nothing to mend in what was not judged."""
    text = shown(verdict("skip", "needs an image"))
    assert "- skip http.files Every file answers 200. · needs an image" in text
    assert "→" not in text


def test_much_evidence_is_cut_in_the_table() -> None:
    """The first few faults and their number; the JSON has all."""
    text = shown(verdict("fail", *(f"fault {number}." for number in range(9))))
    assert "fault 4." in text
    assert "fault 5." not in text
    assert "and 4 more (--json has all)" in text


@pytest.mark.parametrize(
    "evidence",
    [
        "[bold]a[/bold]",
        "[/]",
        "/x: [a-z]+ [id]",
        "\\[red]",
        "ends in \\",
        pytest.param("a:100:b"),
    ],
)
def test_evidence_is_shown_as_it_is(evidence: str) -> None:
    """What looks like markup is part of a path or a header."""
    assert f"· {evidence}" in shown(verdict("fail", evidence))


def test_a_fix_is_shown_as_it_is() -> None:
    """It may hold brackets, too."""
    assert "→ Set [always] in nginx/" in shown(verdict("fail", "x", fix="Set [always] in nginx/"))


def test_long_evidence_is_wrapped_not_cut() -> None:
    """At 80 columns every character is still there."""
    path = "/assets/" + "x" * 150 + ".js: 404"
    assert path in shown(verdict("fail", path)).replace(" ", "").replace("js:404", "js: 404")


def test_the_json_has_everything() -> None:
    """One object a check, with all evidence, and counts; it survives a round trip."""
    evidence = [f"fault {number}" for number in range(9)]
    run = [
        verdict("fail", *evidence),
        verdict("pass", name="image.user"),
        verdict("skip", "why", name="image.contents"),
    ]
    data = report.as_json(judged(*run))
    assert json.loads(json.dumps(data)) == data
    assert data["subject"] == "http://127.0.0.1:8080"
    assert data["summary"] == {"fail": 1, "pass": 1, "skip": 1}
    assert data["checks"][0] == {
        "id": "http.files",
        "severity": "critical",
        "asserts": "Every file answers 200.",
        "verdict": "fail",
        "evidence": evidence,
        "fix": "Build it again",
        "seconds": 0.25,
    }
    assert [each["verdict"] for each in data["checks"]] == ["fail", "pass", "skip"]


def test_what_was_judged_has_a_name() -> None:
    """Its address; an image that does not run has its own."""
    tagged = Subject("", image=Image("sha256:" + "a" * 64, tags=("shop:1",)))
    bare = Subject("", image=Image("sha256:" + "a" * 64))
    assert [Judged(each, (), 0).name for each in (tagged, bare)] == ["shop:1", "a" * 12]
