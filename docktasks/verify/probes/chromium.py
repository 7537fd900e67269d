"""Start Chromium and open pages. Every wait is bounded."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Timer
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, ViewportSize, sync_playwright
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as BrowserTimeout

from docktasks.verify.probes.page_events import NETWORK_CHANGED, first_line, page_script
from docktasks.waiting import Probe, wait_until

ACTION_TIMEOUT_MS = 10_000
"""Limit for one action in the browser, such as a click."""
LOAD_TIMEOUT_MS = 3_000
"""How long to wait for a page to finish loading. After that it is judged as it is."""
SETTLE_MS = 150
"""Without a new request for this long, a page has finished loading."""
DRIVER_END_S = 5.0
"""How long the calls may take to end after the browser was killed."""
INTERRUPTED = re.compile(r"interrupted by another navigation|context was destroyed|Not attached to an active page")
"""Playwright's errors for an action on a page that loads itself again, or another page, at that moment."""
WITHOUT_A_PAGE = {204, 205}
"""After such an answer a browser stays on its page, and says ERR_ABORTED, as for a navigation that another one ends."""
COVER = re.compile(r"- (<.+?)(?: subtree)? intercepts pointer events")
BLANK = "about:blank"
"""What a new tab shows, and the first entry of its history."""
MARK = "--hello-dock-visit="
"""An option that Chromium does not know and ignores. By its value a browser is found among the processes."""
MAX_ATTEMPTS = 4
WIDE_VIEWPORT = ViewportSize(width=1280, height=800)


@contextlib.contextmanager
def launch_browser(executable: str, limit_s: float, mark: str = "") -> Iterator[Browser]:
    """Run a Chromium for at most `limit_s` seconds; after that every action in it raises BrowserError.

    kill_browser(mark) kills it earlier.
    """
    mark = mark or secrets.token_hex(8)
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--disable-background-networking", "--no-proxy-server", f"{MARK}{mark}"],
            chromium_sandbox=not is_root,  # Chromium refuses to run its sandbox as root
        )
        timer = Timer(limit_s, _end_browser, [mark, _driver(mark)])
        timer.daemon = True
        timer.start()
        try:
            yield browser
        finally:
            browser.close()
            timer.cancel()


def kill_browser(mark: str) -> None:
    """Kill the browser that was launched with this mark, if there is one; its pages end with it."""
    for process in _browser_processes(mark):
        with contextlib.suppress(psutil.Error):
            process.kill()


def _browser_processes(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if f"{MARK}{mark}" in process.cmdline():
                yield process


def _driver(mark: str) -> psutil.Process | None:
    """Return Playwright's process that started the browser."""
    parents = filter(None, (process.parent() for process in _browser_processes(mark)))
    return next((parent for parent in parents if f"{MARK}{mark}" not in parent.cmdline()), None)


def _end_browser(mark: str, driver: psutil.Process | None) -> None:
    """Kill the browser, and then its driver: a call can wait for ever for a browser that is gone."""
    kill_browser(mark)
    if driver and not wait_until(lambda: Probe(not driver.is_running()), DRIVER_END_S).ready:
        with contextlib.suppress(psutil.Error):
            driver.kill()


@contextlib.contextmanager
def new_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page in a profile of its own, without cache or cookies. `options` are those of Browser.new_context."""
    context: BrowserContext = browser.new_context(viewport=WIDE_VIEWPORT, **options)
    context.set_default_timeout(ACTION_TIMEOUT_MS)
    try:
        yield context.new_page()
    finally:
        with contextlib.suppress(BrowserError):  # the browser may have been killed, which other actions report
            context.close()


def open_page(page: Page, url: str, attempts: int = MAX_ATTEMPTS) -> Response | None:
    """Go to an address, and wait until the page has loaded. Raises BrowserError.

    When another container's start or end cuts off the page or something that it loads, it is opened again.
    """
    failures: list[str] = []
    with _listening([page], requestfailed=lambda request: failures.append(request.failure or "")):
        try:
            response = settle(lambda: go_to(page, url), page)
        except BrowserError as error:
            if attempts == 1 or NETWORK_CHANGED not in str(error):
                raise
            failures.append(NETWORK_CHANGED)
    is_disturbed = any(NETWORK_CHANGED in failure for failure in failures)
    return open_page(page, url, attempts - 1) if is_disturbed and attempts > 1 else response


def is_one_color(page: Page) -> bool:
    """Return True if a picture of the page has one color."""
    picture = base64.b64encode(page.screenshot(timeout=ACTION_TIMEOUT_MS)).decode()
    blank_page = page.context.new_page()
    try:
        return bool(blank_page.evaluate(page_script("is_one_color"), picture))
    finally:
        blank_page.close()


def reload_page(page: Page) -> Response | None:
    """Reload, and wait until the page has loaded."""
    return settle(lambda: _unless_interrupted(page, lambda: page.reload(wait_until="commit")), page)


def settle(navigate: Callable[[], Response | None], page: Page) -> Response | None:
    """Navigate, and wait until no request is under way."""
    return settle_all([page], lambda: [navigate()])[0]


def open_pages(urls: Sequence[tuple[Page, str]]) -> list[Response | None]:
    """Go to an address in each page, and wait until all have loaded. They load at the same time."""
    pages = [page for page, _ in urls]
    return settle_all(pages, lambda: [go_to(page, url) for page, url in urls])


def go_to(page: Page, url: str) -> Response | None:
    """Go to an address; None if the page went somewhere by itself at the same moment, and stays there."""
    return _unless_interrupted(page, lambda: page.goto(url, wait_until="commit"))


def _unless_interrupted(page: Page, navigate: Callable[[], Response | None]) -> Response | None:
    is_new, statuses = page.url == BLANK, set[int]()
    with _listening([page], response=lambda response: statuses.add(response.status)):
        try:
            return navigate()
        except BrowserError as error:
            is_given_up = "ERR_ABORTED" in error.message and not statuses & WITHOUT_A_PAGE
            if is_new or not (is_given_up or INTERRUPTED.search(error.message)):
                raise
            return None


def settle_all(pages: Sequence[Page], navigate: Callable[[], list[Response | None]]) -> list[Response | None]:
    """Navigate, and wait until no request of the pages is under way. "networkidle" takes half a second more."""
    deadline, count = time.monotonic() + LOAD_TIMEOUT_MS / 1000, -1
    begun, ended = set[Request](), set[Request]()

    def begin(request: Request) -> None:
        begun.add(request)

    def end(request: Request) -> None:
        ended.add(request)

    with _listening(pages, request=begin, requestfinished=end, requestfailed=end):
        responses = navigate()
        for page in pages:
            with contextlib.suppress(BrowserTimeout):
                page.wait_for_load_state("load", timeout=max(1, 1000 * (deadline - time.monotonic())))
        while pages and time.monotonic() < deadline and (begun - ended or count != len(begun)):
            count = len(begun)
            pages[0].wait_for_timeout(SETTLE_MS)
    return responses


@contextlib.contextmanager
def _listening(pages: Sequence[Page], **listeners: Callable[[Any], None]) -> Iterator[None]:
    """Call listeners for the requests or responses of pages in the block, by the name of the event."""
    rows: list[tuple[Page, Any, Callable[[Any], None]]]
    rows = [(page, event, listener) for page in pages for event, listener in listeners.items()]
    for page, event, listener in rows:
        page.on(event, listener)
    try:
        yield
    finally:
        for page, event, listener in rows:
            page.remove_listener(event, listener)


def short_message(error: BrowserError) -> str:
    """The browser's error without Playwright's call log, but with what the log says lies over a link."""
    if cover := COVER.search(error.message):
        return f"what is clicked lies under {first_line(cover[1])}"
    return first_line(error.message.partition("Call log:")[0].removeprefix("Page.goto: "))
