from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from junitparser import JUnitXml

from docktasks.verify import report
from docktasks.verify.registry import Verdict
from tests.unit.fakes.reports import HOSTILE, verdict, verify_run

# The elements and attributes that the schemas of Ant and Jenkins share, and that GitHub and GitLab read.
KNOWN = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {"name", "timestamp", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "skipped": {"message"},
    "system-out": set(),
}


def root(*verdicts: Verdict) -> ET.Element:
    """The root of the XML, which has only elements and attributes that every reader knows."""
    text = report.REPORTS["junit"](verify_run(*verdicts))
    assert text.startswith("<?xml ")
    suites = ET.fromstring(text)  # noqa: S314 - our own
    for element in suites.iter():
        assert set(element.attrib) <= KNOWN[element.tag]
    return suites


def test_junit_has_a_suite_for_each_group() -> None:
    """A suite has its counts and its time, and the root has the sums."""
    suites = root(verdict("pass", name="image.user"), verdict("fail", "x"), verdict("skip", "y", name="http.encoding"))
    assert [
        (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("skipped")) for suite in suites
    ] == [
        ("image", "1", "0", "0"),
        ("http", "2", "1", "1"),
    ]
    assert [suite.get("timestamp") for suite in suites] == ["2026-11-24T09:00:00"] * 2
    assert [suites.get(name) for name in ("tests", "failures", "errors", "skipped", "time")] == [
        "3",
        "1",
        "0",
        "1",
        "0.96",
    ]


def test_junit_has_a_case_for_each_check() -> None:
    """The class name has the group, because GitLab shows it. A case that passed is empty."""
    (case,) = root(verdict("pass")).iter("testcase")
    assert case.attrib == {"name": "http.files", "classname": "verify.http", "time": "0.25"}
    assert not list(case)


def test_junit_failure_has_the_evidence_and_the_fix() -> None:
    """The message, which lists show, has the finding. The text has all faults, what is right, and the fix."""
    (failure,) = root(verdict("fail", "/a.js: 404", "/b.js: 404")).iter("failure")
    finding = "404, on 2 places: /a.js, /b.js"
    assert failure.attrib == {"message": finding, "type": "critical"}
    faults = "- /a.js: 404\n- /b.js: 404"
    assert failure.text == f"{finding}\n{faults}\nRight: Every file answers 200.\nFix: Build it again"


def test_junit_advice_is_the_output_of_a_case_that_passed() -> None:
    """A CI system that reads only the report sees what the exit code says."""
    suites = root(verdict("advice", "/a.js: 404"))
    assert [suites.get(name) for name in ("tests", "failures", "skipped")] == ["1", "0", "0"]
    (output,) = suites.iter("system-out")
    assert (output.text or "").startswith("critical, less than --fail-on=major: /a.js: 404\n- /a.js: 404\nRight: ")


def test_junit_skip_of_a_strict_run_is_a_failure() -> None:
    """A CI system that reads only the report sees what the exit code says."""
    text = report.REPORTS["junit"](replace(verify_run(verdict("skip", "needs a Chromium")), strict=True))
    (failure,) = ET.fromstring(text).iter("failure")  # noqa: S314 - our own
    message = "skipped, which --strict counts as failed: needs a Chromium"
    assert failure.attrib == {"message": message, "type": "skip"}


def test_junit_skip_has_its_reason() -> None:
    """A skip is no failure."""
    (skipped,) = root(verdict("skip", "needs an image")).iter("skipped")
    assert skipped.get("message") == "needs an image"


def test_junit_escapes_hostile_evidence() -> None:
    """Readers refuse a file with characters that XML forbids, so it has their escapes."""
    (failure,) = root(verdict("fail", f"\x00\x1b[31m\x0b\ufffe\ud800]]>{HOSTILE}")).iter("failure")
    assert failure.get("message") == rf"\x00\x1b[31m\x0b\ufffe\ud800]]>{HOSTILE}"


def test_junit_writes_a_hundred_faults_at_most() -> None:
    """Readers show the whole text."""
    (failure,) = root(verdict("fail", *(f"fault {number}" for number in range(1000)))).iter("failure")
    assert "- fault 99\n- and 900 more (--json has all)\n" in (failure.text or "")


def test_junitparser_reads_the_report() -> None:
    """A CI system reads it like this library."""
    text = report.REPORTS["junit"](verify_run(verdict("fail", "x"), verdict("pass")))
    parsed = JUnitXml.fromstring(text.encode())
    assert (parsed.tests, parsed.failures) == (2, 1)
