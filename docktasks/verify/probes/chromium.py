"""A Chromium, its pages, and what they tell while they are looked at. Everything that is asked of it is bounded."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from threading import Timer
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, sync_playwright
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as TooLong

PATIENCE = 10_000
"""Milliseconds for one thing that a browser is asked to do."""
IDLE = 3_000
"""Milliseconds after which a page is looked at, though it is still loading."""
QUIET = 150
"""Milliseconds without a new request after which nothing more is taken to come."""
BLANK = 5_000
"""Milliseconds for which it may then show nothing, or not change."""
WIDE = (1280, 800)

# What a person would see of the page: text, or a picture with a size. Nothing while that is still missing.
SHOWN = """() => {
  const body = document.body
  if (!body || document.readyState === 'loading') return false
  const pictures = [...body.querySelectorAll('img, svg, canvas, video')]
  const seen = body.innerText.trim() || pictures.some((e) => e.checkVisibility() && e.getBoundingClientRect().width)
  return seen ? { title: document.title, text: body.innerText } : false
}"""
VIOLATIONS = """document.addEventListener('securitypolicyviolation', (event) => {
  if (event.disposition === 'enforce') helloDockViolation(`${event.effectiveDirective} blocks ${event.blockedURI}`)
})"""


@dataclass(frozen=True)
class Seen:
    """What was seen of one page: its title and text, and the faults that the browser told of meanwhile.

    `status` is 0 for a page that was not asked of the server.
    """

    where: str
    status: int = 0
    title: str = ""
    text: str = ""
    shows: bool = False
    console: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    policy: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """True when it shows something that the server does not call an error."""
        return self.shows and self.status < 400  # noqa: PLR2004 - HTTP's own line between answers and errors


@contextlib.contextmanager
def browsing(executable: str, limit: float) -> Iterator[Browser]:
    """A Chromium, which is ended after `limit` seconds: whoever still asks it something then gets a BrowserError."""
    mark = f"--hello-dock-visit={secrets.token_hex(8)}"  # Chromium takes no notice of a flag it does not know
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--disable-background-networking", "--no-proxy-server", mark],
            chromium_sandbox=not root,  # Chromium has none for root
        )
        watch = Timer(limit, _end, [mark])
        watch.daemon = True
        watch.start()
        try:
            yield browser
        finally:
            browser.close()
            watch.cancel()


def _end(mark: str) -> None:
    """Kill the browser that was started with this flag; its pages end with it."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if mark in process.cmdline():
                process.kill()


class Told:
    """What a page tells of while it is looked at: on the console, of requests, and of what its policy blocked."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clear()
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {first_line(str(error))}"))
        page.on("crash", lambda _: self.console.append("the page crashed"))
        page.on("dialog", self._dialog)
        page.on("response", lambda answer: self._answered(answer.url, answer.status))
        page.on("requestfailed", lambda request: self._failed(request.url, request.failure or ""))
        page.expose_binding("helloDockViolation", lambda _source, text: self.policy.append(text))
        page.add_init_script(VIOLATIONS)

    def clear(self) -> None:
        """Begin anew."""
        self.console: list[str] = []
        self.network: list[str] = []
        self.policy: list[str] = []

    def look(self, where: str, go: Callable[[], Response | None]) -> Seen:
        """Go to a page, and see what it shows; with all that was told since the last look."""
        answer = go()
        seen = replace(shown(self.page, where), status=answer.status if answer else 0)
        told = [tuple(dict.fromkeys(lines)) for lines in (self.console, self.network, self.policy)]  # each line once
        seen = replace(seen, console=told[0], network=told[1], policy=told[2])
        self.clear()
        return seen

    def _said(self, kind: str, text: str) -> None:
        # The browser's own lines about requests and the policy: they are told of by other events.
        if kind == "error" and not text.startswith("Failed to load resource") and "Content Security Policy" not in text:
            self.console.append(f"error: {first_line(text)}")

    def _dialog(self, dialog: Any) -> None:
        if dialog.type != "beforeunload":
            self.console.append(f"a dialog ({dialog.type}) stands before the page: {first_line(dialog.message)}")
        dialog.dismiss()

    def _answered(self, url: str, status: int) -> None:
        if status >= 400:  # noqa: PLR2004 - HTTP's errors
            self.network.append(f"{url}: {status}")

    def _failed(self, url: str, reason: str) -> None:
        # A page may abort a request itself, by leaving; and what the policy blocked is told of as such.
        if reason not in ("net::ERR_ABORTED", "csp"):
            self.network.append(f"{url}: {reason}")


@contextlib.contextmanager
def page_of(browser: Browser, **given: Any) -> Iterator[Page]:
    """A page in a profile of its own, without cache or cookies."""
    context: BrowserContext = browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]}, **given)
    context.set_default_timeout(PATIENCE)
    try:
        yield context.new_page()
    finally:
        with contextlib.suppress(BrowserError):  # it may be gone; whoever asked for the page is told so
            context.close()


def open_page(page: Page, url: str) -> Response | None:
    """Go to an address, and wait as settle() does."""
    return settle(lambda: page.goto(url, wait_until="commit"), page)


def again(page: Page) -> Response | None:
    """Load the page anew, and wait as settle() does."""
    return settle(lambda: page.reload(wait_until="commit"), page)


def settle(go: Callable[[], Response | None], page: Page) -> Response | None:
    """Go, and wait until nothing is loading any more; a page that never ends loading is looked at all the same.

    Playwright's own "networkidle" does the same with half a second of quiet, many times in a visit.
    """
    deadline = time.monotonic() + IDLE / 1000
    traffic = _Traffic(page)
    with traffic.counted():
        answer = go()
        with contextlib.suppress(TooLong):
            page.wait_for_load_state("load", timeout=IDLE)
        while time.monotonic() < deadline and not traffic.rests():
            pass
    return answer


class _Traffic:
    """Counts the requests of a page that are under way."""

    def __init__(self, page: Page) -> None:
        self.page, self.open = page, 0

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Listen, for as long as it matters."""
        heard = {"request": self._begins, "requestfinished": self._ends, "requestfailed": self._ends}
        page: Any = self.page  # whose type has an overload for each event
        for event, hear in heard.items():
            page.on(event, hear)
        try:
            yield
        finally:
            for event, hear in heard.items():
                page.remove_listener(event, hear)

    def rests(self) -> bool:
        """True when nothing is under way, and nothing new begins for a while."""
        try:
            self.page.wait_for_event("request", timeout=QUIET)
        except TooLong:
            return self.open <= 0
        return False

    def _begins(self, _: Request) -> None:
        self.open += 1

    def _ends(self, _: Request) -> None:
        self.open -= 1


def shown(page: Page, where: str) -> Seen:
    """What the page shows, as soon as it shows something. Never waits for a page that does not answer."""
    try:
        found = page.wait_for_function(SHOWN, timeout=BLANK).json_value()
    except TooLong:
        return Seen(where)
    return Seen(where, title=found["title"], text=found["text"], shows=True)


def words(error: BrowserError) -> str:
    """What the browser says of a thing that it did not get done."""
    return first_line(error.message.partition("Call log:")[0].removeprefix("Page.goto: "))


def first_line(text: str) -> str:
    """A text as evidence: its first line, and not too much of it."""
    return (text.strip().splitlines() or [""])[0][:300]
