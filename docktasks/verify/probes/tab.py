"""A page that is open in a tab of its own, whatever it does meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Response, ViewportSize

from docktasks.verify.probes.chromium import go_to, short_message
from docktasks.verify.probes.page_events import Event, PageEvents, PageSnapshot

GROWTH_TIME_S, MIN_GROWTH_BYTES, MORE_LOOKS = 1.0, 20_000_000, 2
"""Memory is measured when the page is open, when the watch begins, and at least so long after that. If it grows, it is
measured twice more. A fault is memory that grows by so many bytes each time and does not shrink again."""

View = tuple[ViewportSize, Literal["light", "dark"]]
"""The size of the window, and the color scheme."""


@dataclass(eq=False)
class Tab:
    """A tab with a page of the site, of which some views are looked at.

    `heap` has the bytes that the page keeps in memory, by time. `is_lost` tells that it was left, or crashed, while a
    script ran in it; `failure` is why it cannot be opened.
    """

    path: str
    address: str
    views: Collection[View]
    events: PageEvents
    heap: list[int] = field(default_factory=list)
    is_lost: bool = False
    failure: str = ""

    def __post_init__(self) -> None:
        self.snapshot = PageSnapshot(f"{self.path} after a while")

    def open(self) -> Response | None:
        """Go to the page."""
        try:
            return go_to(self.events.page, self.address)
        except BrowserError as error:
            _require_browser(error)
            self.failure = f"{self.address}: {short_message(error)}"
            return None

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """Run a script in the page; None if it is left meanwhile, or has crashed."""
        try:
            return self.events.page.evaluate(script, argument)
        except BrowserError as error:
            _require_browser(error)
            self.is_lost = True
            return None

    def last_snapshot(self, known: Collection[str]) -> PageSnapshot:
        """Return the page's snapshot, with what kept it from being opened, or stopped who left it; no `known` texts."""
        failure = [Event("network", self.failure)] if self.failure else []
        leaving = [Event("interruptions", text) for text in self.events.texts("interruptions")]
        events = dict.fromkeys((*self.snapshot.events, *failure, *leaving))
        return replace(self.snapshot, events=tuple(event for event in events if event.text not in known))

    def measure_heap(self) -> None:
        """Measure what the page keeps in memory."""
        usage = self.events.workload.ask("Runtime.getHeapUsage")
        self.heap.append(sum(int(usage.get(name, 0)) for name in ("usedSize", "backingStorageSize")))

    def is_growing(self) -> bool:
        """True if what the page keeps in memory grows and grows, and not with what it still loads."""
        for more in reversed(range(MORE_LOOKS + 1)):
            growth = min(later - earlier for earlier, later in pairwise(self.heap))
            if self.events.is_loading or growth < MIN_GROWTH_BYTES:
                return False
            if more:
                self.events.page.wait_for_timeout(1000 * GROWTH_TIME_S)
                self.measure_heap()
        self.events.workload.ask("HeapProfiler.collectGarbage")
        self.measure_heap()
        return self.heap[-1] - self.heap[0] > MIN_GROWTH_BYTES

    def history(self) -> tuple[int, list[str]]:
        """Return where the page is in the tab's history, and its addresses; (0, []) while it makes way for another."""
        history = self.events.workload.ask("Page.getNavigationHistory")
        entries = history.get("entries", [])
        return int(history.get("currentIndex", 0)), [entry["url"].partition("#")[0] for entry in entries]


def _require_browser(error: BrowserError) -> None:
    """Raise the error of a browser that was killed."""
    if "has been closed" in error.message:
        raise error
