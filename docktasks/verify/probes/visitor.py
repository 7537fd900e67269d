"""One visit of a site with a real browser, which the browser checks judge. After a limit the browser is killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import pairwise
from urllib.parse import urljoin, urlsplit

from httpx import codes
from playwright.sync_api import Browser, Page, Route
from playwright.sync_api import Error as BrowserError

from docktasks.verify.probes import chromium, page_events
from docktasks.verify.probes.audit import audit
from docktasks.verify.probes.chromium import new_page, open_page, open_pages, reload_page
from docktasks.verify.probes.clicks import is_another, look_of, press, selector_of
from docktasks.verify.probes.csp import CSP, policies
from docktasks.verify.probes.page_events import PageEvents, PageSnapshot, page_script
from docktasks.verify.probes.page_timing import NetworkRecorder
from docktasks.verify.probes.places import UNKNOWN_PATH
from docktasks.verify.probes.visit import Visit
from docktasks.waiting import Probe, wait_until

VISIT_TIMEOUT_S = 90.0
MAX_ATTEMPTS = 3
"""How often a step is taken, if the machine's network disturbs it, or a page that loads again meanwhile."""
MAX_LINKS = 10
"""How many of the page's own links are followed."""
INJECT_SCRIPT = page_script("inject_script")
OWN_LINKS = page_script("own_links")


def visit(
    url: str, executable: str, limit_s: float = VISIT_TIMEOUT_S, *, is_api: Callable[[str], bool] = lambda _: False
) -> Visit:
    """Visit a site. A link for which `is_api` is no page."""
    visitor = None
    try:
        with chromium.launch_browser(executable, limit_s) as browser, ExitStack() as stack:
            visitor = _Visitor(browser, url, is_api, stack)
            _take_steps(visitor, limit_s)
            return visitor.visit
    except BrowserError as error:  # the browser did not start, or was killed, which a step has reported already
        if visitor and visitor.visit.finished:
            return visitor.visit
        return Visit(finished={"first"}, failures={"first": chromium.short_message(error)})


def _take_steps(visitor: _Visitor, limit_s: float) -> None:
    """Take all steps. One that is disturbed, or whose page is left, is taken again in the first half of the limit.

    In the end, the results of one that the machine's network disturbs are left out.
    """
    half = time.monotonic() + limit_s / 2
    before_audit = (visitor.first, visitor.deep, visitor.inject, visitor.follow, visitor.press)
    for step in (*before_audit, visitor.audit, visitor.strict, visitor.late):
        before = visitor.visit
        for attempt in range(1, MAX_ATTEMPTS + 1):
            visitor.visit = deepcopy(before)
            _take_step(visitor, step, limit_s)
            if not visitor.visit.is_to_repeat(step.__name__) or not visitor.browser.is_connected():
                break
            if attempt == MAX_ATTEMPTS or time.monotonic() > half:
                if visitor.visit.was_disturbed:
                    visitor.visit = replace(before, disturbed=before.disturbed | {step.__name__})
                break
        result = visitor.visit
        if not visitor.browser.is_connected() or not (result.first and all(page.has_content for page in result.first)):
            break


def _take_step(visitor: _Visitor, step: Callable[[], None], limit_s: float) -> None:
    failures = visitor.visit.failures
    try:
        step()
    except BrowserError as error:
        failures[step.__name__] = chromium.short_message(error)
    visitor.visit.finished.add(step.__name__)
    if not visitor.browser.is_connected():
        failures[step.__name__] = f"the page kept the browser busy for {limit_s:.0f} s, or crashed it"


class _Visitor:
    """The steps of a visit. Each has a browser profile of its own, like a new visitor.

    The first page stays open, in `stack`, for the last step. `events` are its events.
    """

    events: PageEvents

    def __init__(self, browser: Browser, url: str, is_api: Callable[[str], bool], stack: ExitStack) -> None:
        self.browser, self.url, self.visit, self.is_api, self.stack = browser, url, Visit(), is_api, stack
        self.links: list[tuple[str, str]] = []
        self.below = ""

    def first(self) -> None:
        """Open the first page, record its requests and a screenshot, and reload it."""
        self.stack.close()
        page = self.stack.enter_context(new_page(self.browser))
        self.events, recorder = PageEvents(page), NetworkRecorder(page)
        self.visit.first.append(self.events.snapshot("/", lambda: open_page(page, f"{self.url}/")))
        self.visit.timings = recorder.timings()
        self.visit.screenshot = page.screenshot(timeout=chromium.ACTION_TIMEOUT_MS)
        if not self.visit.first[0].has_content:  # it may hang
            return
        self.links = [link for link in _own_links(page) if not self.is_api(link[1])][:MAX_LINKS]
        self.below = self._path_below(page)
        self.visit.first.append(self.events.snapshot("/ after a reload", lambda: reload_page(page)))

    def _path_below(self, page: Page) -> str:
        """The path of a page below the first; that of the first for a site of pages without links."""
        unknown = self.url + UNKNOWN_PATH
        if not self.links and page.request.get(unknown, headers={"Accept": "text/html"}).status == codes.NOT_FOUND:
            unknown = f"{self.url}/"
        return urlsplit(next((url for _, url in self.links), unknown)).path

    def deep(self) -> None:
        """Open a page below the first by its address, and reload it."""
        with new_page(self.browser) as page:
            events, address = PageEvents(page), urljoin(f"{self.url}/", self.below)
            self.visit.deep.append(events.snapshot(self.below, lambda: open_page(page, address)))
            self.visit.deep.append(events.snapshot(f"{self.below} after a reload", lambda: reload_page(page)))
        with suppress(BrowserError):  # it may make way for another page
            if self.events.workload.is_busy or self.events.page.locator("canvas").count():
                self.stack.close()  # a game would take the processor from the other steps

    def late(self) -> None:
        """Look at the first page again, which nobody has touched all the while."""
        known = {event.text for page in self.visit.pages for event in page.events}
        if self.events.page.is_closed():
            return
        if self.events.workload.has_loaded:
            self.events.add("activity", "the page loads again, or another one, by itself")
        self.events.workload.clear()  # of a long time, in which other pages had the processor, too
        label = "/ at the end of the visit"
        try:
            snapshot = self.events.snapshot(label, lambda: None)
        except BrowserError:  # such as a page that has crashed, which is an event
            snapshot = PageSnapshot(label, has_content=True, events=tuple(self.events.events))
        if not snapshot.disturbances:  # other containers have come and gone meanwhile
            self.visit.late.append(snapshot.without(known))

    def inject(self) -> None:
        """Add an inline script to the page, as an attack on unescaped text would."""
        with new_page(self.browser) as page:
            open_page(page, f"{self.url}/")
            result = page.evaluate(INJECT_SCRIPT)
        blocked_by = result["reported"] or "no report"
        if result["ran"]:
            self.visit.injected = ("an inline script that was put into the document ran",)
        elif not blocked_by.startswith("script-src"):
            self.visit.injected = (f"an inline script did not run, but not because of script-src: {blocked_by}",)

    def follow(self) -> None:
        """Click on the page's own links, whose targets may load files only then."""
        with new_page(self.browser) as page:
            events = PageEvents(page)
            open_page(page, f"{self.url}/")
            events.clear()
            for href, _ in self.links:
                if not page.locator(selector_of(href)).count():
                    open_page(page, f"{self.url}/")
                click, (before, earlier) = partial(self._click, page, href), events.workload.history()
                shown = look_of(page).text
                self.visit.followed.append(events.snapshot(f"a click on {href}", partial(chromium.settle, click, page)))
                index, addresses = events.workload.history()
                if any(address == following for address, following in pairwise(addresses[before : index + 1])):
                    self.visit.dead_ends.append(f"a click on {href} adds one address to the history twice")
                elif index == before and addresses != earlier:
                    self.visit.dead_ends.append(f"a click on {href} replaces the page, which nobody can go back to")
                elif href == self.links[0][0] and look_of(page).text != shown:
                    self._go_back(page, href)

    def _click(self, page: Page, href: str) -> None:
        before, limit_s = look_of(page), page_events.CONTENT_TIMEOUT_MS / 1000
        page.locator(selector_of(href)).first.click(timeout=chromium.ACTION_TIMEOUT_MS)
        if not wait_until(lambda: Probe(is_another(look_of(page), before)), limit_s).ready:
            self.visit.dead_links.append(f"a click on {href}: the page shows the same as before")

    def _go_back(self, page: Page, href: str) -> None:
        """Report a back button that changes the address and not the page."""
        clicked = look_of(page).text
        page.evaluate("() => { setTimeout(() => history.back()) }")
        if not wait_until(lambda: Probe(look_of(page).text != clicked), page_events.CONTENT_TIMEOUT_MS / 1000).ready:
            self.visit.dead_ends.append(f"after a click on {href} the back button leaves the page as it is")

    def press(self) -> None:
        """Click on the buttons of the first page and of those that it links to, and look where their forms lead."""
        press(self.visit, self.browser, [f"{self.url}/", *(url for _, url in self.links)], self.is_api)

    def audit(self) -> None:
        """Look at the first page, one below it, and those that it links to, some at a time."""
        linked = {urlsplit(url).path for _, url in self.links} - {self.below}
        addresses = {path: urljoin(f"{self.url}/", path) for path in dict.fromkeys(["/", self.below, *sorted(linked)])}
        audit(self.visit, self.browser, addresses | {"/": f"{self.url}/"}, linked)

    def strict(self) -> None:
        """Open the first page and those that it links to under the strict policy, which the browser only reports."""
        with new_page(self.browser) as page:
            header = page.request.get(f"{self.url}/").headers.get(CSP, "")
            if all(policy.is_strict for policy in policies([header], "")):
                return  # there is nothing to advise, also for a site without a policy
            addresses = [f"{self.url}/", *(url for _, url in self.links)]
            pages = [page, *(page.context.new_page() for _ in self.links)]
            page.context.route(lambda url: url.startswith(self.url), self._add_strict_policy)
            events_of_pages = [PageEvents(page) for page in pages]
            open_pages(list(zip(pages, addresses, strict=True)))
            lines = (line for events in events_of_pages for line in events.texts("reported"))
            self.visit.strict = tuple(dict.fromkeys(lines))

    def _add_strict_policy(self, route: Route) -> None:
        if route.request.resource_type != "document":
            route.continue_()
            return
        response = route.fetch()
        header = response.headers.get(CSP, "")
        reported = [policy.strict(response.text()) for policy in policies([header], "") if not policy.is_strict]
        encoding = {"content-encoding", "content-length"}  # those of the body, which is decoded
        headers = {name: value for name, value in response.headers.items() if name not in encoding}
        route.fulfill(response=response, headers=headers | {f"{CSP}-report-only": ", ".join(reported)})


def _own_links(page: Page) -> list[tuple[str, str]]:
    """The page's links to other pages of the site: the href as written, and the address."""
    links: dict[str, str] = {}
    for href, url in page.locator("a[href]").evaluate_all(OWN_LINKS):
        if urlsplit(url).path != urlsplit(page.url).path and url not in links.values():
            links[href] = url
    return list(links.items())
