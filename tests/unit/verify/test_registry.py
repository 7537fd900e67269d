from __future__ import annotations

import pytest

from tests.unit.fakes.reports import verdict


@pytest.mark.parametrize(
    ("evidence", "finding"),
    [
        (["it is privileged"], "it is privileged"),
        (["/: Cache-Control is missing"], "/: Cache-Control is missing"),
        (["it can write to /a", "it can write to /b"], "it can write to /a (and 1 more)"),
        (["/a: 404", "/b: 500", "/c: 200"], "/a: 404 (and 2 more)"),
        (["/a: 500", "/b: 404", "/c: 404"], "404, in 2 places: /b; /c (and 1 more)"),
        ([f"/{number}: Cache-Control is missing" for number in range(1000)],
         "Cache-Control is missing, in 1,000 places: /0; /1; /2; …"),
        (["one", "two: x", "three: x"], "x, in 2 places: two; three (and 1 more)"),
        ([], ""),
    ],
)  # fmt: skip
def test_finding_is_the_fault_of_the_most_places(evidence: list[str], finding: str) -> None:
    """A reader of the headline knows what is wrong, how often, and where to look first."""
    assert verdict("fail", *evidence).finding == finding
