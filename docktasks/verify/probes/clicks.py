"""What a visitor sets off by a click on a link or a button, or by a form. Nothing that changes data leaves the page."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

from httpx import codes
from playwright.sync_api import Browser, Page, Route
from playwright.sync_api import Error as BrowserError

from docktasks.verify.probes.chromium import new_page, open_page, settle
from docktasks.verify.probes.page_events import Event, PageEvents, PageSnapshot, page_script
from docktasks.verify.probes.visit import Visit

PRESS_TIME_S = 6.0
"""After that, no further button is clicked."""
MAX_BUTTONS = 6
"""How many buttons of one page are clicked. Those of an earlier page are not clicked again."""
CLICK_TIMEOUT_MS = 1_000
"""How long a button may be covered or move."""
READING = "GET", "HEAD", "OPTIONS"
NOBODY_THERE = codes.NOT_FOUND, codes.METHOD_NOT_ALLOWED, codes.NOT_IMPLEMENTED
"""What a form gets where nothing takes it. Another error is about the empty form."""
MISTAKE = re.compile(r"uncaught: (?:Type|Reference|Range|Syntax)Error\b")
"""Other errors may be for want of a permission, or of something that the visitor has not chosen."""
ELEMENTS = "performance.timeOrigin + (document.querySelector('canvas') ? Math.random() : document.body.innerHTML)"
BUTTONS, UNSENT_FORMS = page_script("buttons"), page_script("unsent_forms")


class Look(NamedTuple):
    """What a page shows: its address, its text, and its elements, which tell nothing if it draws on a canvas."""

    address: str
    text: str
    elements: str


def look_of(page: Page) -> Look:
    """What a person sees of the page; nothing while it is being left."""
    try:
        return Look(page.url, page.locator("body").inner_text(), page.evaluate(ELEMENTS))
    except BrowserError:
        return Look("", "", "")


def is_another(look: Look, before: Look) -> bool:
    """True for another text, or other elements at another address. An address alone is no page."""
    return look.text != before.text or (look.address != before.address and look.elements != before.elements)


def selector_of(href: str) -> str:
    """The selector of the links that a person sees, with this target as it is written."""
    escaped = href.replace("\\", "\\\\").replace('"', '\\"')
    return f'a[href="{escaped}"]:visible'


def press(visit: Visit, browser: Browser, addresses: Iterable[str], is_api: Callable[[str], bool]) -> None:
    """Add to the visit what the buttons and forms of pages set off, until the time is over."""
    with new_page(browser) as page:
        presses, end = _Presses(page), time.monotonic() + PRESS_TIME_S
        for address in addresses:
            if time.monotonic() > end:
                break
            visit.pressed += [*presses.buttons(address, end), presses.forms(address, is_api, visit.posts)]


class _Presses:
    """A page whose buttons are clicked. `_blocked` has what would have changed data on the server."""

    def __init__(self, page: Page) -> None:
        self._page, self._events, self._known, self._blocked = page, PageEvents(page), set[str](), list[str]()
        page.context.route("**", self._let_read)
        page.context.route_web_socket("**", lambda _: None)  # it opens, and what is sent reaches nobody

    def _let_read(self, route: Route) -> None:
        if route.request.method in READING:
            route.fallback()
        else:
            self._blocked.append(route.request.url)
            route.abort()

    def buttons(self, address: str, end: float) -> Iterator[PageSnapshot]:
        """Click each button that no page before had, on the page as it is when it has loaded."""
        names = self._open(address)
        new = [(number, name) for number, name in enumerate(names) if name not in self._known]
        self._known.update(names)
        for number, name in new[:MAX_BUTTONS]:
            if time.monotonic() > end or self._open(address) != names:  # its buttons change
                return
            label = f"{urlsplit(address).path or '/'} after a click on the button {name}"
            snapshot = self._events.snapshot(label, partial(settle, partial(self._click, number), self._page))
            events = () if self._blocked else tuple(filter(_is_fault, snapshot.events))
            yield replace(snapshot, events=events)

    def forms(self, address: str, is_api: Callable[[str], bool], posts: dict[str, str]) -> PageSnapshot:
        """What the forms get that no script of the page sends. Those that may change data go to `posts`, unsent."""
        self._open(address)
        lines, path = [], urlsplit(address).path or "/"
        for method, url in self._page.evaluate(UNSENT_FORMS):
            if is_api(url):
                continue
            if method not in READING:
                posts.setdefault(url, path)
                continue
            try:
                status = self._page.request.get(url, max_redirects=0).status
            except BrowserError:  # the server hangs up
                status = 0
            if not status or status in NOBODY_THERE:
                lines.append(f"{url}: {status or 'no answer'} to a form that is sent there by {method}")
        return PageSnapshot(path, events=tuple(Event("network", line) for line in lines))

    def _open(self, address: str) -> list[str]:
        open_page(self._page, address)
        self._events.clear()
        self._blocked.clear()
        names: list[str] = self._page.evaluate(BUTTONS)
        return names

    def _click(self, number: int) -> None:
        button = self._page.evaluate_handle("number => helloDockButtons[number]", number).as_element()
        with suppress(BrowserError):  # it is covered, or moves
            if button:
                button.click(timeout=CLICK_TIMEOUT_MS)


def _is_fault(event: Event) -> bool:
    """True for what no visitor has asked for by the click."""
    return bool(MISTAKE.match(event.text)) if event.kind == "console" else event.kind in ("network", "policy")
