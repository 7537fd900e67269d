"""From a save to the pixel: a Chromium with a page of each way, and the frame in which it shows the new text.

Chromium breaks off what it is loading whenever an address of the machine comes or goes, as where a container starts.
The 2,000 components are 4,000 requests, which take it 10 s or more: on a machine at work it never gets through. So
where that happened, the page is loaded again with modules that Playwright asked for. What is measured begins after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import count

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, Route
from playwright.sync_api import TimeoutError as TooLong

from benchmarks.editing import Way
from benchmarks.generated import SHOWN
from docktasks.errors import BenchError
from docktasks.verify.probes.chromium import PageEvents, launch_browser, new_page, short_message
from docktasks.verify.probes.visit import NETWORK_CHANGED
from docktasks.waiting import Probe, wait_until

WHOLE = 900
"""Seconds after which the browser is ended, whatever it does."""
OPENING = 240
"""Seconds that a page may take until it shows."""
SHOWS = "shown"
TRIES = 3
WATCH = f"""(text) => {{ globalThis.shown = new Promise((resolve) => {{
  const over = performance.now() + 20000
  const told = (seen) => resolve(seen ? performance.timeOrigin + performance.now() : 0)
  const look = () => requestAnimationFrame(() => {{
    if (document.getElementById('{SHOWN}')?.textContent === text) requestAnimationFrame(() => told(true))
    else if (performance.now() > over) told(false)
    else look()
  }})
  look()
}}) }}"""
"""Has the page tell the milliseconds since 1970 at the frame after the one that shows a text; 0 when none does."""


@contextmanager
def pages(executable: str, ways: Mapping[str, Way]) -> Iterator[dict[str, Shown]]:
    """A page of each way, which shows it. Raises BenchError when one does not."""
    with launch_browser(executable, WHOLE) as browser, ExitStack() as left:
        found = {who: Shown(who, way, left.enter_context(new_page(browser))) for who, way in ways.items()}
        for each in found.values():
            each.open()
        yield found


class Shown:
    """The page of a way: saves, and has it say when it shows the new text: milliseconds."""

    def __init__(self, who: str, way: Way, page: Page) -> None:
        self.who, self.way, self.page, self.told = who, way, page, PageEvents(page)
        self.numbers, self.loaded = count(), 0
        page.on("requestfinished", lambda _: self._count())

    def __call__(self) -> float:
        """Once; the page is loaded again where it lost its server, as when the machine's network changes."""
        for _ in range(TRIES):
            try:
                took = self._once()
            except BrowserError:
                took = None
            if took is not None:
                return took
            self.open()
        raise BenchError(f"{self.who}: an edit does not get to the page at {self.way.url}.", "", *self._evidence())

    def _once(self) -> float | None:
        text = f"shown-{next(self.numbers)}"
        self.page.bring_to_front()
        self.page.evaluate(WATCH, text)
        began = self.way.save(text)
        shown: float = self.page.evaluate("globalThis.shown")
        return shown - began * 1000 if shown else None

    def open(self) -> None:
        """Load the page until it shows the app; again, at once, where a request of it was broken off."""
        looked = wait_until(self._look, OPENING, 0.2)
        if not looked.ready:
            raise BenchError(
                f"{self.who}: the page at {self.way.url} does not show #{SHOWN} after {OPENING} s.",
                f"Waited for {looked.status}, when {self.loaded:,} requests were answered.",
                *self._evidence(),
            )

    def _look(self) -> Probe:
        """Load it once."""
        self.told.clear()
        self.loaded = 0
        try:
            self.page.bring_to_front()
            self.page.goto(self.way.url, wait_until="commit", timeout=OPENING * 1000)
            there = wait_until(self._shows, OPENING, 0)
        except BrowserError as error:
            if self.page.is_closed():
                raise BenchError("The browser is gone.", short_message(error), *self._evidence()) from error
            return Probe(ready=False, status=f"the page itself ({short_message(error)})")
        if NETWORK_CHANGED in there.status:
            self.page.route(
                "**/src/**", _around
            )  # not the page itself: it has to be the server's, to open a socket there
        elif there.status == SHOWS:
            self.page.unroute_all(behavior="ignoreErrors")
        return Probe(there.status == SHOWS, f"its modules ({there.status})")

    def _shows(self) -> Probe:
        """Whether it does, or never will; listening to the browser meanwhile."""
        if broken := [line for line in self.told.network if "net::ERR" in line]:
            return Probe(ready=True, status=broken[0])
        with suppress(TooLong):
            self.page.locator(f"#{SHOWN}").wait_for(timeout=500)
            return Probe(ready=True, status=SHOWS)
        return Probe(ready=False, status="still loading")

    def _evidence(self) -> tuple[str, str]:
        """How to mend it, and what the page said."""
        lines = [*self.told.console, *self.told.network]
        return "See what the page says, and try again while no container starts", "\n".join(lines[:10])

    def _count(self) -> None:
        self.loaded += 1


def _around(route: Route) -> None:
    """Answer a request of a page with what Playwright itself, and not the browser, is answered."""
    with suppress(BrowserError):  # the page may have gone elsewhere
        route.fulfill(response=route.fetch())
