"""A page that is open in a tab of its own, whatever it does meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Response, ViewportSize

from docktasks.verify.probes.chromium import go_to, is_one_color, short_message
from docktasks.verify.probes.page_events import (
    CONTENT_TIMEOUT_MS,
    VISIBLE_CONTENT,
    Event,
    PageEvents,
    PageSnapshot,
    page_script,
    take_snapshot,
)
from docktasks.waiting import Probe, wait_until

MIN_GROWTH_BYTES, MIN_KEPT_BYTES, LOOKS, LOOK_TIME_S = 20_000_000, 2_000_000, 3, 1.0
"""Memory is measured when the page is open, and after it was watched. If it has grown by so many bytes, it is measured
three times more, without garbage and a second apart. A fault is memory that has grown by so many bytes each time."""

IS_DRAWN, MAX_WINDOWS = page_script("is_drawn"), 5
MANIFESTS = """() => [...document.querySelectorAll('link[rel~="manifest"]')].map(({ href }) => href)
  .filter((href) => URL.parse(href)?.origin === location.origin)"""
SCROLL = """(number) => {
  scrollTo({ top: number * innerHeight, behavior: 'instant' })
  return scrollY + innerHeight < document.documentElement.scrollHeight
}"""

View = tuple[ViewportSize, Literal["light", "dark"]]
"""The size of the window, and the color scheme."""


@dataclass(eq=False)
class Tab:
    """A tab with a page of the site, of which some views are looked at.

    `heap_bytes_at_first` is what its scripts used when it had loaded. `is_lost` tells that it was left, or crashed,
    while a script ran in it; `failure` is why it cannot be opened. In a narrow window it may be emptied, or have
    content that nobody sees, so that it `is_one_color`.
    """

    path: str
    address: str
    views: Collection[View]
    events: PageEvents
    heap_bytes_at_first: int = 0
    is_lost: bool = False
    is_emptied: bool = False
    is_one_color: bool = False
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

    def broken_manifests(self) -> Iterator[str]:
        """Own manifests that no browser can read. A script of the page may not be allowed to load them."""
        for url in self.evaluate(MANIFESTS) or ():
            with suppress(BrowserError):  # another check reports a server that hangs up
                answer = self.events.page.request.get(url)
                try:
                    _ = answer.ok and answer.json()
                except ValueError:
                    yield f"{urlsplit(url).path}: the browser cannot read this manifest"

    def last_snapshot(self, known: Collection[str]) -> PageSnapshot:
        """Return the page's snapshot, with what happened since, but without `known` texts.

        Of a page that was left, only what interrupted that counts. One that could not be opened had no later look.
        """
        since = [Event("interruptions", text) for text in self.events.texts("interruptions")]
        if self.failure:
            since = [*self.events.events, Event("network", self.failure)]
        events = tuple(dict.fromkeys((*self.snapshot.events, *since)))
        snapshot = replace(self.snapshot, events=events).without(known)
        label = f"{self.path} after its window became narrow"
        if not self.is_emptied and not self.is_one_color:
            return snapshot
        return replace(snapshot, label=label, has_content=False, is_one_color=self.is_one_color)

    def heap_bytes(self) -> int:
        """Return how much memory the page's scripts use."""
        usage = self.events.workload.ask("Runtime.getHeapUsage")
        return sum(int(usage.get(name, 0)) for name in ("usedSize", "backingStorageSize"))

    def is_growing(self) -> bool:
        """True if what the page keeps in memory grows and grows, and not with what it still loads."""
        if self.heap_bytes() - self.heap_bytes_at_first < MIN_GROWTH_BYTES:
            return False
        kept = []
        for _ in range(LOOKS):
            self.events.page.wait_for_timeout(1000 * LOOK_TIME_S)
            self.events.workload.ask("HeapProfiler.collectGarbage")
            kept.append(self.heap_bytes())
        has_grown = all(later - earlier > MIN_KEPT_BYTES for earlier, later in pairwise(kept))
        return has_grown and not self.events.is_loading

    @property
    def is_still(self) -> bool:
        """True for a page that has done nothing without end so far. Another one is gone while one takes its picture."""
        return not self.events.texts("activity")

    def look_whether_empty(self) -> None:
        """Note if the page shows nothing since its window became narrow."""
        is_empty = self.evaluate(VISIBLE_CONTENT) is False
        try:
            if is_empty:
                self.is_emptied = not take_snapshot(self.events.page, self.path).has_content
            elif self.is_still and self.evaluate(IS_DRAWN) is False and not self.events.texts("unreachable"):
                self.is_one_color = not wait_until(self._has_colors, CONTENT_TIMEOUT_MS / 1000).ready
        except BrowserError as error:
            _require_browser(error)

    def _has_colors(self) -> Probe:
        """Look at the page window by window, from its start."""
        for number in range(MAX_WINDOWS):
            is_at_end = self.evaluate(SCROLL, number) is not True
            if self.evaluate(IS_DRAWN) is not False or not is_one_color(self.events.page):
                return Probe(ready=True)
            if is_at_end:
                break
        return Probe(ready=False)


def _require_browser(error: BrowserError) -> None:
    """Raise the error of a browser that was killed."""
    if "has been closed" in error.message:
        raise error
