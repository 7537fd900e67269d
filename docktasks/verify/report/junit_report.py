"""A run of checks as JUnit XML: the part of the format that GitHub, GitLab and Jenkins all read."""

from __future__ import annotations

from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from docktasks.verify.registry import Verdict
from docktasks.verify.report.run import VerifyRun, shortened, truncated

MAX_FAULTS = 100
"""How many faults of one check are written. Readers of JUnit XML show all of them."""


def render(verify_run: VerifyRun) -> str:
    """The XML: a test suite for each group, and a test case for each check."""
    root = JUnitXml(f"verify {verify_run.subject.name}")
    for group in verify_run.groups:
        suite = TestSuite(group.name)
        suite.timestamp = verify_run.when.strftime("%Y-%m-%dT%H:%M:%S")  # in UTC: the format has no time zone
        for verdict in group.verdicts:
            suite.add_testcase(_case(verdict, verify_run))
        root.add_testsuite(suite)
    root.update_statistics()  # type: ignore[no-untyped-call]  # the library has no types here and below
    root.time = round(verify_run.seconds, 3)
    xml: bytes = root.tostring()  # type: ignore[no-untyped-call]
    return f'<?xml version="1.0" encoding="utf-8"?>\n{xml.decode()}\n'


def _case(verdict: Verdict, verify_run: VerifyRun) -> TestCase:
    """The test case of a check. Its class name has the group, because GitLab shows that as the suite.

    Advice is the output of a case that passed.
    """
    check, evidence = verdict.check, truncated(verdict, MAX_FAULTS)
    case = TestCase(check.id, f"verify.{check.group}", round(verdict.seconds, 3))
    finding, lines = shortened(verdict.finding), [f"- {line}" for line in evidence]
    text = "\n".join([finding, *lines, f"Right: {check.summary}", f"Fix: {check.fix}"])
    if verdict.outcome == "fail":
        case.result = [Failure(finding, verdict.severity)]
        case.result[0].text = text
    elif verdict.outcome == "advice":
        case.system_out = f"{verdict.severity}, less than --fail-on={verify_run.fail_on}: {text}"
    elif verdict.outcome == "skip":
        reason = "; ".join(evidence)
        failure = Failure(f"skipped, which --strict counts as failed: {reason}", "skip")
        case.result = [failure if verify_run.strict else Skipped(reason)]
    return case
