"""One page that the gate opens in a browser, and what of the browser's reports is surely the release's own fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, Request, Response, WebSocket

from docktasks.verify.probes.chromium import is_one_color, open_pages
from docktasks.verify.probes.page_events import NETWORK_CHANGED, PageEvents, take_snapshot, text_of
from docktasks.verify.probes.thrown import FAILED_MODULE, is_of_machine
from docktasks.verify.probes.visitor import OWN_LINKS

ERROR_STATUS = 400
DATA_TYPES = {"fetch", "xhr", "eventsource", "websocket"}
"""Types of requests by which a page asks an API."""


def open_all(visits: Sequence[PageVisit]) -> None:
    """Open pages of one visitor, which load at the same time, and wait until each shows something."""
    responses = open_pages([(visit.page, visit.url) for visit in visits])
    for visit, response in zip(visits, responses, strict=True):
        visit.look(response)


class PageVisit(PageEvents):
    """One page that is opened in a browser, with what the browser reports meanwhile, in its order."""

    def __init__(self, page: Page, url: str) -> None:
        super().__init__(page)
        self.url, parts = url, urlsplit(url)
        self.origin, self.label = f"{parts.scheme}://{parts.netloc}", parts.path or "/"
        self.unreachable: list[str] = []
        self.thrown: list[str] = []
        self.excused: list[str] = []
        self._answered: list[Request] = []
        self.has_content, self.status = False, 0
        page.on("pageerror", self._on_error)
        page.on("requestfailed", self._on_failed_request)
        page.on("response", self._on_answer)
        page.on("websocket", self._on_socket)

    def look(self, response: Response | None) -> None:
        """Wait until the page shows something. `response` is that for its address."""
        self.status = response.status if response else 0
        self.has_content = take_snapshot(self.page, self.label).has_content
        silent = (request for request in self.unanswered if request not in self._answered)
        needed = (request for request in silent if self._is_needed(request) or self.is_load(request))
        self.unreachable += [f"{request.url} (no answer)" for request in needed]

    def own_links(self) -> list[str]:
        """Return the addresses of other pages of the site that this page links to."""
        try:
            urls = self.page.locator("a[href]").evaluate_all(OWN_LINKS)
        except BrowserError as error:  # it makes way for another page
            if "context was destroyed" not in error.message:
                raise
            return []
        return [url for url in dict.fromkeys(url for _, url in urls) if urlsplit(url).path != self.label]

    @property
    def is_disturbed(self) -> bool:
        """True if the machine's network changed meanwhile."""
        return any(NETWORK_CHANGED in line for line in (*self.texts("network"), *self.unreachable, *self.excused))

    def faults(self) -> Iterator[str]:
        """Yield what is surely wrong with the page, by the release itself."""
        yield from (f"{self.label}: {error}" for error in self.thrown)
        own_scripts = f"script-src-elem blocks {self.origin}/"
        yield from (f"{self.label}: {line}" for line in self.texts("policy") if line.startswith(own_scripts))
        has_reason = self.has_content or self.status >= ERROR_STATUS or self.unreachable or self.excused or self.thrown
        # A page with closed shadow roots has no text to read.
        if self.is_at_home and not has_reason and is_one_color(self.page):
            events = "; ".join(self.texts("network")[:2])
            yield f"{self.label}: the page stays blank" + (f" ({events})" if events else "")

    def notices(self) -> Iterator[str]:
        """Yield what may be wrong, but for a reason that may not be the release."""
        yield from (f"{self.label}: {error}" for error in self.excused)
        yield from (f"{self.label}: {line}" for line in self.texts("policy"))
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
        text = text_of(error)
        module = FAILED_MODULE.search(text)
        if module:
            is_own = module[1].startswith(("/", self.origin))
        else:
            is_own = not (self.unreachable or is_of_machine(text) or self._is_of_others(error.stack or ""))
        (self.thrown if is_own else self.excused).append(f"uncaught {text}")

    def _is_of_others(self, stack: str) -> bool:
        """Return True if the first script in the stack is another site's."""
        first = re.search(r"https?://[^\s)]+", stack)
        return first is not None and not first[0].startswith(f"{self.origin}/")

    def _on_failed_request(self, request: Request) -> None:
        is_blocked = request.failure in ("csp", "net::ERR_ABORTED", "net::ERR_BLOCKED_BY_CSP")
        if not is_blocked and self._is_needed(request):
            self.unreachable.append(f"{request.url} ({request.failure})")

    def _is_needed(self, request: Request) -> bool:
        """True for what a page may lack without a fault of the release: data, or another site's script."""
        is_others = not request.url.startswith(f"{self.origin}/") and request.resource_type == "script"
        return is_others or request.resource_type in DATA_TYPES

    def _on_answer(self, response: Response) -> None:
        """Note a request for data that got an error, or a page, as a site without the API may answer."""
        self._answered.append(response.request)
        is_page = "text/html" in response.headers.get("content-type", "")
        if response.request.resource_type in DATA_TYPES and (response.status >= ERROR_STATUS or is_page):
            self.unreachable.append(f"{response.url} ({response.status}{', a page' if is_page else ''})")

    def _on_socket(self, socket: WebSocket) -> None:
        socket.on("socketerror", lambda reason: self.unreachable.append(f"{socket.url} ({reason})"))
