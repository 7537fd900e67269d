from __future__ import annotations

import pytest

from docktasks.verify.registry import Major, Minor
from tests.unit.fakes.reports import verdict


@pytest.mark.parametrize(
    ("evidence", "finding"),
    [
        (["it is privileged"], "it is privileged"),
        (["/: Cache-Control is missing"], "/: Cache-Control is missing"),
        (["it can write to /a", "it can write to /b"], "it can write to /a (and 1 more)"),
        (["/a: 404", "/b: 500", "/c: 200"], "/a: 404 (and 2 more)"),
        (["/a: 500", "/b: 404", "/c: 404"], "404, on 2 places: /b, /c (and 1 more)"),
        ([f"/{number}: Cache-Control is missing" for number in range(1000)],
         "Cache-Control is missing, on 1,000 places: /0, /1, /2, …"),
        (["one", "two: x", "three: x"], "x, on 2 places: two, three (and 1 more)"),
        ([], ""),
    ],
)  # fmt: skip
def test_finding_is_the_fault_of_the_most_places(evidence: list[str], finding: str) -> None:
    """A reader of the headline knows what is wrong, how often, and where to look first."""
    assert verdict("fail", *evidence).finding == finding


@pytest.mark.parametrize(
    ("evidence", "severity", "outcomes"),
    [
        (["x"], "critical", ["fail", "fail", "fail"]),
        ([Minor("x")], "minor", ["fail", "advice", "advice"]),
        ([Minor("x"), Minor("x"), "y"], "critical", ["fail", "fail", "fail"]),
        ([Minor("x"), Major("y")], "major", ["fail", "fail", "advice"]),
    ],
)
def test_fault_is_advice_if_it_is_less_than_what_fails(evidence: list[str], severity: str, outcomes: list[str]) -> None:
    """A check is as bad as its worst fault, which its finding names first."""
    failure = verdict("fail", *evidence)
    assert failure.severity == severity
    assert [failure.judged(fail_on).outcome for fail_on in ("minor", "major", "critical")] == outcomes
    assert [verdict(outcome).judged("critical").outcome for outcome in ("pass", "skip")] == ["pass", "skip"]
    assert failure.finding.startswith(evidence[-1])
