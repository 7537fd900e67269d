"""A run of checks as JUnit XML, in the part of it that GitHub's, GitLab's and Jenkins's readers have in common."""

from __future__ import annotations

from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from docktasks.verify.registry import Verdict
from docktasks.verify.report.run import Group, VerifyRun, truncated

FAULTS = 100
"""Faults of one check that are written: readers show them whole."""


def render(judged: VerifyRun) -> str:
    """The XML: a suite a group, a case a check; what fails has its evidence and its fix as text."""
    root = JUnitXml(f"verify {judged.name}")
    for group in judged.groups:
        root.add_testsuite(_suite(group, judged))
    root.update_statistics()  # type: ignore[no-untyped-call]  # the library's own gap, as the next
    root.time = round(judged.seconds, 3)
    xml: bytes = root.tostring()  # type: ignore[no-untyped-call]
    return f'<?xml version="1.0" encoding="utf-8"?>\n{xml.decode()}\n'


def _suite(group: Group, judged: VerifyRun) -> TestSuite:
    suite = TestSuite(group.name)
    suite.timestamp = judged.when.strftime("%Y-%m-%dT%H:%M:%S")  # the schemas know no time zone: it is UTC
    for verdict in group.verdicts:
        suite.add_testcase(_case(verdict))
    return suite


def _case(verdict: Verdict) -> TestCase:
    """Named by the check's id; GitLab shows the class name as the suite, so that is the group."""
    check, evidence = verdict.check, truncated(verdict, FAULTS)
    case = TestCase(check.id, f"verify.{check.group}", round(verdict.seconds, 3))
    if verdict.outcome == "fail":
        failure = Failure(evidence[0], check.severity)
        failure.text = "\n".join([check.asserts, *(f"- {line}" for line in evidence), f"Fix: {check.fix}"])
        case.result = [failure]
    elif verdict.outcome == "skip":
        case.result = [Skipped("; ".join(evidence))]
    return case
