"""The gate's visit with a browser: whether a page stays blank, throws, or lacks a script that the policy blocks.

Only what is surely the release's own fault refuses it. At the gate an API may be out of reach, as well as other hosts,
and a browser without a screen lacks a graphics card. What follows from that is a notice.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from threading import Timer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from docktasks.api import is_below
from docktasks.app.project import Project
from docktasks.background import in_background
from docktasks.verify.subject import Subject

if TYPE_CHECKING:  # these load the browser's driver, for the visit only
    from playwright.sync_api import Browser, Page, Request, Response, WebSocket
    from playwright.sync_api import Error as BrowserError

VISIT_TIMEOUT_S = 30
"""How long a visit may take. Then the release goes on, with a notice. A page takes half a second on an idle machine."""
TOO_SLOW = f"Chromium did not end its visit within {VISIT_TIMEOUT_S} s"
END_TIMEOUT_S = 5
"""How long a browser may then take to end."""
MAX_LINKED_PAGES = 3
MAX_VISITS = 3
"""A visit is repeated while the machine's network changes, as when another container starts."""
ERROR_STATUS = 400
DATA_TYPES = {"fetch", "xhr", "eventsource", "websocket"}
"""Types of requests by which a page asks an API."""
FAILED_MODULE = re.compile(r"(?:imported module|preload CSS for)[: ]+(\S+)")
OTHERS_FAULT = re.compile(
    r"\b(?:NotAllowed|NotSupported|NotReadable|Abort|Security|Timeout|QuotaExceeded|Network)Error\b|failed to fetch"
    r"|fetch failed|network error|load failed|requested device|ERR_|ECONN|status code|timed out|timeout of|websocket"
    r"|serviceworker|webgl|webgpu|\bgpu\b|audio ?context|permission denied|not supported|ResizeObserver loop",
    re.IGNORECASE,
)
"""Errors that come from what the gate lacks: an API, another host, a device, a click of a visitor. A page also works
without its service worker, which may load scripts of another host."""


@dataclass(frozen=True)
class Findings:
    """What a visit found: the number of pages, the `faults` that refuse the release, and notices for the user."""

    pages: int = 0
    faults: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


class GateVisit:
    """A visit in a thread, whose browser starts at once: that takes as long as the candidate takes to start."""

    def __init__(self, project: Project) -> None:
        self._address: Future[str] = Future()
        self._mark = secrets.token_hex(8)
        self._find = in_background(lambda: _visit(project, self._address, self._mark))

    def begin(self, url: str) -> None:
        """Let the browser open the site at `url`; an empty one ends the visit."""
        if not self._address.done():
            self._address.set_result(url)

    def findings(self) -> Findings:
        """Wait for what the visit found."""
        try:
            return self._find(VISIT_TIMEOUT_S + END_TIMEOUT_S)
        except FutureTimeout:
            return _not_seen(TOO_SLOW)

    def end(self) -> None:
        """End the browser. Python crashes if it exits while Playwright drives one."""
        self.begin("")
        for limit_s in (END_TIMEOUT_S, VISIT_TIMEOUT_S):
            with suppress(FutureTimeout):
                self._find(limit_s)
                return
            from docktasks.verify.probes import chromium

            chromium.kill_browser(self._mark)


def _not_seen(reason: str) -> Findings:
    return Findings(notices=(f"The gate has not judged the page in a browser: {reason}.",))


def _visit(project: Project, address: Future[str], mark: str) -> Findings:
    """Start a browser, and visit the site whose address comes later. Without a browser there is nothing to find."""
    executable = Subject(project=project).chromium if project.settings.prod.gate_browser == "auto" else ""
    if not executable:
        return Findings()
    from playwright.sync_api import Error as BrowserError

    from docktasks.verify.probes import chromium

    timeout_s = project.settings.prod.deploy_timeout + VISIT_TIMEOUT_S
    timer = Timer(VISIT_TIMEOUT_S, chromium.kill_browser, [mark])
    timer.daemon = True
    try:
        with chromium.launch_browser(executable, timeout_s, mark) as browser:
            url = address.result(timeout_s)
            timer.start()
            for _ in range(MAX_VISITS if url else 0):
                findings, is_disturbed = _visit_pages(browser, url, project.settings.api.prefixes)
                if not is_disturbed:
                    return findings
            return _not_seen("the machine's network changed meanwhile") if url else Findings()
    except BrowserError as error:
        return _not_seen(TOO_SLOW if timer.finished.is_set() else chromium.short_message(error))
    except FutureTimeout:
        return _not_seen("the new release took too long to start")
    finally:
        timer.cancel()


def _visit_pages(browser: Browser, url: str, api: tuple[str, ...]) -> tuple[Findings, bool]:
    """Open the entry page and some pages that it links to, as one visitor. True if the network changed meanwhile.

    `api` are the prefixes below which an API answers.
    """
    from docktasks.verify.probes.chromium import new_page

    faults, notices, links, is_disturbed = list[str](), list[str](), [url], False
    with new_page(browser) as first_page:
        for index, link in enumerate(links):
            visit = PageVisit(first_page.context.new_page() if index else first_page, link)
            visit.open()
            if index == 0:
                own_links = (link for link in visit.own_links() if not is_below(urlsplit(link).path, api))
                links += islice(own_links, MAX_LINKED_PAGES)
            faults += visit.faults(browser)
            notices += visit.notices()
            is_disturbed = is_disturbed or visit.is_disturbed
    return Findings(len(links), tuple(faults), tuple(dict.fromkeys(notices))), is_disturbed


class PageVisit:
    """One page that is opened in a browser, with what the browser reports meanwhile, in its order."""

    def __init__(self, page: Page, url: str) -> None:
        from docktasks.verify.probes.page_events import PageEvents

        self.page, self.url = page, url
        parts = urlsplit(url)
        self.origin, self.label = f"{parts.scheme}://{parts.netloc}", parts.path or "/"
        self._events = PageEvents(page)
        self.unreachable: list[str] = []
        self.thrown: list[str] = []
        self.excused: list[str] = []
        self.has_content, self.status = False, 0
        page.on("pageerror", self._on_error)
        page.on("requestfailed", self._on_failed_request)
        page.on("response", self._on_response)
        page.on("websocket", self._on_socket)

    def open(self) -> None:
        """Open the page, and wait until it shows something."""
        from docktasks.verify.probes.chromium import open_page
        from docktasks.verify.probes.page_events import take_snapshot

        response = open_page(self.page, self.url)
        self.status = response.status if response else 0
        self.has_content = take_snapshot(self.page, self.label).has_content

    def own_links(self) -> list[str]:
        """Return the addresses of other pages of the site that this page links to."""
        from docktasks.verify.probes.visit import OWN_LINKS

        urls = self.page.locator("a[href]").evaluate_all(OWN_LINKS)
        return [url for url in dict.fromkeys(url for _, url in urls) if urlsplit(url).path != self.label]

    @property
    def is_disturbed(self) -> bool:
        """True if the machine's network changed meanwhile."""
        from docktasks.verify.probes.visit import NETWORK_CHANGED

        return any(NETWORK_CHANGED in line for line in (*self._events.network, *self.unreachable, *self.excused))

    def faults(self, browser: Browser) -> Iterator[str]:
        """Yield what is surely wrong with the page, by the release itself."""
        yield from (f"{self.label}: {error}" for error in self.thrown)
        own_scripts = f"script-src-elem blocks {self.origin}/"
        yield from (f"{self.label}: {line}" for line in self._events.policy if line.startswith(own_scripts))
        has_reason = self.has_content or self.status >= ERROR_STATUS or self.unreachable or self.excused or self.thrown
        if self.is_at_home and not has_reason and _is_blank(browser, self.page):
            events = "; ".join(self._events.network[:2])
            yield f"{self.label}: the page stays blank" + (f" ({events})" if events else "")

    def notices(self) -> Iterator[str]:
        """Yield what may be wrong, but for a reason that may not be the release."""
        yield from (f"{self.label}: {error}" for error in self.excused)
        yield from (f"{self.label}: {line}" for line in self._events.policy)
        if self.status >= ERROR_STATUS:
            yield f"{self.label}: the server answers {self.status}"
        elif not self.is_at_home:
            yield f"{self.label} leads to {self.page.url}, so the gate does not judge it"
        elif not self.has_content and self.unreachable:
            yield f"{self.label} shows nothing. These requests failed: {', '.join(self.unreachable[:3])}"

    @property
    def is_at_home(self) -> bool:
        """False if the page sent the visitor to another site, as for a login."""
        return self.page.url.startswith(f"{self.origin}/")

    def _on_error(self, error: BrowserError) -> None:
        from docktasks.verify.probes.page_events import first_line

        prefix = "" if not error.name or error.name in error.message else f"{error.name}: "
        text = first_line(prefix + error.message.removeprefix("Uncaught (in promise) "))
        module = FAILED_MODULE.search(text)
        if module:
            is_own = module[1].startswith(("/", self.origin))
        else:
            is_own = not (self.unreachable or OTHERS_FAULT.search(text) or self._is_of_others(error.stack or ""))
        (self.thrown if is_own else self.excused).append(f"uncaught {text}")

    def _is_of_others(self, stack: str) -> bool:
        """Return True if the first script in the stack is another site's."""
        first = re.search(r"https?://[^\s)]+", stack)
        return first is not None and not first[0].startswith(f"{self.origin}/")

    def _on_failed_request(self, request: Request) -> None:
        is_blocked = request.failure in ("csp", "net::ERR_ABORTED", "net::ERR_BLOCKED_BY_CSP")
        is_others = not request.url.startswith(f"{self.origin}/") and request.resource_type == "script"
        if not is_blocked and (is_others or request.resource_type in DATA_TYPES):
            self.unreachable.append(f"{request.url} ({request.failure})")

    def _on_response(self, response: Response) -> None:
        """Note a request for data that got an error, or a page, as a site without the API may answer."""
        is_page = "text/html" in response.headers.get("content-type", "")
        if response.request.resource_type in DATA_TYPES and (response.status >= ERROR_STATUS or is_page):
            self.unreachable.append(f"{response.url} ({response.status}{', a page' if is_page else ''})")

    def _on_socket(self, socket: WebSocket) -> None:
        socket.on("socketerror", lambda reason: self.unreachable.append(f"{socket.url} ({reason})"))


def _is_blank(browser: Browser, page: Page) -> bool:
    """Return True if a picture of the page has one color. A page with closed shadow roots has no text to read."""
    from docktasks.verify.probes.chromium import ACTION_TIMEOUT_MS, new_page
    from docktasks.verify.probes.page_events import page_script

    picture = base64.b64encode(page.screenshot(timeout=ACTION_TIMEOUT_MS)).decode()
    with new_page(browser) as blank_page:
        return bool(blank_page.evaluate(page_script("is_one_color"), picture))
