from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Error as BrowserError

from docktasks.verify.probes import chromium
from docktasks.verify.probes.page_events import PageSnapshot
from docktasks.verify.probes.visit import Visit
from docktasks.verify.probes.visitor import MAX_ATTEMPTS, visit
from tests.unit.fakes.pages import with_events

SEEN = PageSnapshot("/", has_content=True)
DISTURBED = with_events(SEEN, network=("http://h/a.css: net::ERR_NETWORK_CHANGED",))


@contextmanager
def browser(*_: object) -> Iterator[Any]:
    """A browser that runs."""
    yield SimpleNamespace(is_connected=lambda: True)


def visit_with(monkeypatch: pytest.MonkeyPatch, limit_s: float, **pages: list[Any]) -> Visit:
    """Visit a site whose pages look like these, one after the other, in the steps `first` and `deep`, or raise them."""
    monkeypatch.setattr(chromium, "launch_browser", browser)
    for step in ("first", "deep", "inject", "follow", "press", "audit", "strict", "late"):
        snapshots = pages.get(step)

        def take(visitor: Any, step: str = step, snapshots: list[Any] | None = snapshots) -> None:
            snapshot = snapshots.pop(0) if snapshots else None
            if isinstance(snapshot, BrowserError):
                raise snapshot
            if snapshot:
                getattr(visitor.visit, step).append(snapshot)

        take.__name__ = step
        monkeypatch.setattr(f"{visit.__module__}._Visitor.{step}", take)
    return visit("http://h", "chromium", limit_s)


def test_disturbed_step_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that starts anywhere on the machine cuts off what Chromium is loading."""
    first, deep = [SEEN, DISTURBED], [DISTURBED, DISTURBED, SEEN]
    result = visit_with(monkeypatch, 60, first=first, deep=deep)
    assert (result.first, result.deep, set(result.disturbed)) == ([SEEN], [SEEN], set())
    assert (len(first), len(deep)) == (1, 0)


def test_step_that_is_always_disturbed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no fault of the site. After the half of the limit no step is taken again."""
    result = visit_with(monkeypatch, 60, first=[SEEN], deep=[DISTURBED] * MAX_ATTEMPTS)
    assert (result.first, len(result.deep), set(result.disturbed)) == ([SEEN], 0, {"deep"})
    assert "audit" in result.finished
    snapshots = [DISTURBED, SEEN]
    result = visit_with(monkeypatch, 0, first=snapshots)
    assert (len(result.first), set(result.disturbed), snapshots) == (0, {"first"}, [SEEN])


def test_step_whose_page_loads_again_meanwhile_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page may do so once, such as for its service worker. One that does not come to rest would do so each time."""
    error = BrowserError("Page.evaluate: Execution context was destroyed, most likely because of a navigation")
    result = visit_with(monkeypatch, 60, first=[SEEN], deep=[error, SEEN])
    assert (result.deep, result.failures) == ([SEEN], {})
    snapshots = [error, SEEN]
    restless = with_events(SEEN, activity=("the page loads itself again and again",))
    result = visit_with(monkeypatch, 60, first=[restless], deep=snapshots)
    assert (result.deep, list(result.failures), snapshots) == ([], ["deep"], [SEEN])
