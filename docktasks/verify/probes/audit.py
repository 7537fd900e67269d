"""Pages that nobody touches: whether they come to rest, what axe finds, and whether one can leave them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ViewportSize

from docktasks.verify.probes.chromium import BLANK, WIDE_VIEWPORT, new_page, settle_all
from docktasks.verify.probes.page_events import PageEvents, page_script
from docktasks.verify.probes.tab import Tab, View
from docktasks.verify.probes.visit import Visit
from docktasks.waiting import Probe, wait_until

NARROW_VIEWPORT = ViewportSize(width=360, height=780)
VIEWS: tuple[View, ...] = (
    (WIDE_VIEWPORT, "light"),
    (WIDE_VIEWPORT, "dark"),
    (NARROW_VIEWPORT, "light"),
    (NARROW_VIEWPORT, "dark"),
)
WATCH_S = 5.0
"""How long a page is watched, at least: it may fail after a while. One that loads again is watched twice as long."""
LATE_S = 1.5
"""How long a page in a narrow window is watched."""
AXE_TIME_S = 30.0
"""After that, axe does not look at further pages that are linked."""
RESIZE_S = 0.5
"""How long a page may take until it fits a window that has become narrow."""
SCROLL_S = 0.7
"""How long a page may take until it moves."""
MAX_TABS = 4
"""How many pages are open at the same time. A page with a game or a map keeps a core busy."""
MAX_ENTRIES = 3
"""How many entries a page may add to the history by itself."""
BACK_TIMEOUT_S = 2.0
SAME_STOPS, MAX_STOPS = 10, 40
"""How often Tab may stay on an element, such as a video with its controls; how many elements are looked at."""
FOCUS_STEP, LOUD_MEDIA, END_ANIMATIONS, BROKEN_FILES, RUN_AXE, CUT_OFF = map(
    page_script, ("focus_step", "loud_media", "end_animations", "broken_files", "run_axe", "cut_off")
)


def audit(visit: Visit, browser: Browser, addresses: Mapping[str, str], linked: Collection[str]) -> None:
    """Judge what pages do while nobody touches them, look at each view, and leave them. What that shows is added.

    `addresses` are those of the pages, by path. Those that are `linked` get a shorter look.
    """
    known = {event.text for page in visit.pages for event in page.events}
    rows, end = list(addresses.items()), time.monotonic() + AXE_TIME_S
    for start in range(0, len(rows), MAX_TABS):
        chosen = rows[start : start + MAX_TABS]
        if time.monotonic() > end and all(path in linked for path, _ in chosen):
            visit.unseen.extend(path for path, _ in chosen)
            continue
        with ExitStack() as stack:
            pages = [stack.enter_context(new_page(browser, reduced_motion="reduce")) for _ in chosen]
            tabs = [
                Tab(path, address, VIEWS[::3] if path in linked else VIEWS, PageEvents(page))
                for (path, address), page in zip(chosen, pages, strict=True)
            ]
            _OpenPages(tabs, linked, visit).audit(end)
            visit.audited += [tab.last_snapshot(known) for tab in tabs]
            visit.restless += [tab.path for tab in tabs if tab.is_lost]


class _OpenPages:
    """Pages that are open at the same time, each in a profile of its own: some apps allow one page only."""

    def __init__(self, tabs: list[Tab], linked: Collection[str], visit: Visit) -> None:
        self.tabs, self._linked, self._visit = tabs, linked, visit
        for tab in self.tabs:
            _ = tab.events.workload.session  # it counts from its start
        self._open()
        self._opened = time.monotonic()

    def _open(self) -> None:
        settle_all([tab.events.page for tab in self.tabs], lambda: [tab.open() for tab in self.tabs])
        self.tabs = [tab for tab in self.tabs if not tab.failure]
        for tab in self.tabs:
            tab.heap_bytes_at_first = tab.heap_bytes()

    def audit(self, end: float) -> None:
        """Add to the visit. After the `end`, axe is not waited for on linked pages."""
        self._watch()
        self._look(WIDE_VIEWPORT, end)
        for tab in self.tabs:
            tab.events.workload.tasks.clear()  # those of axe
            tab.events.page.set_viewport_size(NARROW_VIEWPORT)
            tab.events.judge_rest()
        self._wait(time.monotonic() + RESIZE_S)
        for tab in self.tabs:
            tab.look_whether_empty()
        self._open()
        opened = time.monotonic()
        self._look(NARROW_VIEWPORT, end)
        self._wait(opened + LATE_S)
        self._scroll()
        self._press_tab()
        broken = self._in_all(self.tabs, BROKEN_FILES)
        for tab in self.tabs:
            tab.events.workload.tasks.clear()  # those of axe
            tab.events.add("network", *(broken[tab] or ()), *tab.broken_manifests())
            tab.snapshot = tab.events.snapshot(tab.snapshot.label, lambda: None)
        self._leave()

    def _wait(self, end: float) -> None:
        for tab in self.tabs[:1]:
            tab.events.page.wait_for_timeout(1000 * max(0.0, end - time.monotonic()))

    def _watch(self) -> None:
        """Wait until each page was open for WATCH_S, and judge what it does meanwhile."""
        self._wait(self._opened + WATCH_S)
        if any(tab.events.workload.has_reloaded for tab in self.tabs):
            self._wait(time.monotonic() + WATCH_S)
        for tab in self.tabs:
            tab.events.judge_rest()
            if tab.is_growing():
                tab.events.add("activity", "the page takes more and more memory")
            if (entries := tab.events.workload.history()[0] - 1) > MAX_ENTRIES:
                self._visit.dead_ends.append(f"{tab.path}: the page adds {entries} entries to the history by itself")
            tab.events.add("interruptions", *(tab.evaluate(LOUD_MEDIA) or ()))

    def _look(self, window: ViewportSize, end: float) -> None:
        width = window["width"]
        for tab, taken in self._in_all(self.tabs, "() => document.documentElement.scrollWidth").items():
            if taken is not None:
                self._visit.widths[tab.path, width] = taken
        for tab in self.tabs:
            tab.evaluate(Axe().axe_script)
        for scheme in ("light", "dark"):
            tabs = [tab for tab in self.tabs if (window, scheme) in tab.views]
            for tab in tabs:
                tab.events.page.emulate_media(color_scheme=scheme)
            self._in_all(tabs, END_ANIMATIONS)  # a colour in transition is no colour of the page
            for tab, violations in self._in_all(tabs, RUN_AXE, end).items():
                tab.is_lost |= violations is None
                self._visit.audits[f"{tab.path}, {scheme}, {width} wide"] = tuple(violations or ())

    def _in_all(self, tabs: Iterable[Tab], script: str, end: float = 0.0) -> dict[Tab, Any]:
        """Run a script in the tabs at the same time, and return its results, None where the page was left meanwhile.

        After the `end`, results of linked pages are not waited for.
        """
        tabs, results = list(tabs), {}
        for tab in tabs:
            tab.evaluate(f"() => {{ globalThis.helloDockWork = ({script})() }}")
        for tab in tabs:
            if end and time.monotonic() > end and tab.path in self._linked:
                self._visit.unseen += [] if tab.path in self._visit.unseen else [tab.path]
                continue
            results[tab] = tab.evaluate("() => globalThis.helloDockWork")
        return results

    def _scroll(self) -> None:
        """Turn the wheel where a page seems to hide what is below the window: its scripts may move it."""
        cut_off = {tab: tab.evaluate(CUT_OFF) for tab in self.tabs if tab.is_still}
        for tab in filter(cut_off.get, self.tabs):
            tab.events.page.mouse.move(NARROW_VIEWPORT["width"] / 2, NARROW_VIEWPORT["height"] / 2)
            tab.events.page.mouse.wheel(0, NARROW_VIEWPORT["height"])
            self._wait(time.monotonic() + SCROLL_S)
            if tab.evaluate(CUT_OFF) == cut_off[tab]:
                self._visit.cut_off[tab.path] = cut_off[tab]["text"]

    def _press_tab(self) -> None:
        """Press Tab on each page from element to element."""
        for tab in self.tabs:
            for _ in range(MAX_STOPS):
                tab.events.page.keyboard.press("Tab")
                if trap := tab.evaluate(FOCUS_STEP, SAME_STOPS):
                    self._visit.audits[f"{tab.path}, by keyboard"] = (f"Tab does not leave {trap} (WCAG 2.1.2)",)
                if trap != "":
                    break

    def _leave(self) -> None:
        """Leave each page by the back button."""
        before = {tab: tab.events.workload.history() for tab in self.tabs}
        for tab in self.tabs:
            tab.evaluate("() => { setTimeout(() => history.back()) }")
        self._wait(time.monotonic() + 0.3)
        for tab, (index, addresses) in before.items():
            # A page that only leads on, such as to the visitor's language, leads on again: browsers pass over it.
            pages = [address.partition("#")[0] for address in addresses]
            if not index or pages[index - 1] not in (pages[index], BLANK):
                continue
            look = partial(self._has_left, tab, index)
            if not wait_until(look, BACK_TIMEOUT_S).ready:
                self._visit.dead_ends.append(f"{tab.path}: the back button does not leave the page")

    def _has_left(self, tab: Tab, index: int) -> Probe:
        return Probe(tab.events.workload.history()[0] < index)
