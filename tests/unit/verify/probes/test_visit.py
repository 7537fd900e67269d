from __future__ import annotations

import pytest

from docktasks.verify.probes.page_events import PageSnapshot
from docktasks.verify.probes.visit import Visit, visit

DISTURBED = Visit(first=[PageSnapshot("/", network=("http://h/a.css: net::ERR_NETWORK_CHANGED",))])


@pytest.mark.parametrize(
    ("visits", "count"),
    [([DISTURBED, Visit()], 2), ([Visit()], 1), ([DISTURBED] * 3, 3)],
    ids=["once disturbed", "undisturbed", "always disturbed"],
)
def test_disturbed_visit_is_repeated_up_to_three_times(
    monkeypatch: pytest.MonkeyPatch, visits: list[Visit], count: int
) -> None:
    """A container that starts anywhere on the machine cuts off what Chromium is loading."""
    remaining = list(visits)
    monkeypatch.setattr("docktasks.verify.probes.visit._visit_once", lambda *_: remaining.pop(0))
    assert visit("http://h", "chromium", 1) is visits[-1]
    assert len(visits) - len(remaining) == count
