from __future__ import annotations

from xml.etree import ElementTree as ET

from junitparser import JUnitXml

from docktasks.verify import report
from docktasks.verify.registry import Verdict
from tests.unit.fakes.reports import HOSTILE, judged, verdict

# What the schemas of Ant and Jenkins have in common, and the readers of GitHub and GitLab take.
KNOWN = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {"name", "timestamp", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "skipped": {"message"},
}


def root(*verdicts: Verdict) -> ET.Element:
    """The XML, read back; it has no element and no attribute but those that every reader knows."""
    text = report.render(judged(*verdicts), "junit")
    assert text.startswith("<?xml ")
    found = ET.fromstring(text)  # noqa: S314 - our own
    for element in found.iter():
        assert set(element.attrib) <= KNOWN[element.tag]
    return found


def test_a_suite_is_a_group() -> None:
    """With its counts, its seconds, and when it ran; the root sums them up."""
    found = root(verdict("pass", name="image.user"), verdict("fail", "x"), verdict("skip", "y", name="http.encoding"))
    assert [
        (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("skipped")) for suite in found
    ] == [
        ("image", "1", "0", "0"),
        ("http", "2", "1", "1"),
    ]
    assert [suite.get("timestamp") for suite in found] == ["2026-11-24T09:00:00"] * 2
    assert [found.get(name) for name in ("tests", "failures", "errors", "skipped", "time")] == [
        "3",
        "1",
        "0",
        "1",
        "0.96",
    ]


def test_a_case_is_a_check() -> None:
    """Named by its id, in a class named after the group, which is what GitLab shows; a pass is empty."""
    (case,) = root(verdict("pass")).iter("testcase")
    assert case.attrib == {"name": "http.files", "classname": "verify.http", "time": "0.25"}
    assert not list(case)


def test_a_failure_has_its_evidence_and_its_fix() -> None:
    """The first fault is the message, which is what a list shows; the text has all."""
    (failure,) = root(verdict("fail", "/a.js: 404", "/b.js: 404")).iter("failure")
    assert failure.attrib == {"message": "/a.js: 404", "type": "critical"}
    assert failure.text == "Every file answers 200.\n- /a.js: 404\n- /b.js: 404\nFix: Build it again"


def test_a_skip_has_its_reason() -> None:
    """It is no failure."""
    (skipped,) = root(verdict("skip", "needs an image")).iter("skipped")
    assert skipped.get("message") == "needs an image"


def test_hostile_evidence_stays_text() -> None:
    """Characters that XML forbids would make every reader refuse the whole file: they are shown as their escapes."""
    (failure,) = root(verdict("fail", f"\x00\x1b[31m\x0b\ufffe\ud800]]>{HOSTILE}")).iter("failure")
    assert failure.get("message") == rf"\x00\x1b[31m\x0b\ufffe\ud800]]>{HOSTILE}"


def test_a_thousand_faults_are_not_all_written() -> None:
    """A reader shows the text whole."""
    (failure,) = root(verdict("fail", *(f"fault {number}" for number in range(1000)))).iter("failure")
    assert "- fault 99\n- and 900 more (--json has all)\n" in (failure.text or "")


def test_a_parser_of_others_reads_it() -> None:
    """As a CI system would."""
    text = report.render(judged(verdict("fail", "x"), verdict("pass")), "junit")
    read = JUnitXml.fromstring(text.encode())
    assert (read.tests, read.failures) == (2, 1)
