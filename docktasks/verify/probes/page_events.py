"""What a page shows, and what the browser reports about it meanwhile."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Dialog, Page, Request, Response
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as BrowserTimeout

CONTENT_TIMEOUT_MS = 5_000
"""How long a page may then stay empty or unchanged."""
MAX_TEXT_CHARS = 300
MAX_LOADS = 4
"""A page may lead to another one by a script. One that loads more often does so for ever."""
MAX_MESSAGES = 1000
"""How many messages of the console are taken. A page may write faster than they are read."""
ANSWER_TIMEOUT_S = 2.5
FILES = ("document", "script", "stylesheet", "image", "font")
"""What a page needs, and what has an end: https://playwright.dev/python/docs/api/class-request#request-resource-type."""


def page_script(name: str) -> str:
    """Return JavaScript of this folder, to run in a page."""
    return (Path(__file__).parent / f"{name}.js").read_text()


VISIBLE_CONTENT = page_script("visible_content")
REPORT_VIOLATIONS = page_script("report_violations")

NO_CONNECTION = re.compile(
    r"ERR_(NAME|DNS|INTERNET|ADDRESS|CONNECTION|TIMED_OUT|PROXY|TUNNEL|SSL|CERT|QUIC|NETWORK_ACCESS)"
)
"""Chromium's errors for a host that cannot be reached from this machine: https://chromium.googlesource.com/chromium/src/+/main/net/base/net_error_list.h"""
FAILED_FETCH = re.compile(r"failed to (fetch|load|connect)|network ?error|load failed|ERR_", re.IGNORECASE)
"""What scripts say when a request got no answer."""


@dataclass(frozen=True)
class PageSnapshot:
    """What a page shows, and the faults that the browser reported until then: `console`, `network` and `policy`.

    `label` is the page's name in evidence. `status` is 0 if the page came without a request, as after a click.
    `unreachable` has the requests to other hosts that got no answer, and what scripts say about them.
    """

    label: str
    status: int = 0
    title: str = ""
    text: str = ""
    has_content: bool = False
    console: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    policy: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        """True if the page shows something, and is no error page of the server."""
        return self.has_content and self.status < 400  # noqa: PLR2004 - HTTP's errors begin here


class PageEvents:
    """Collects what the browser reports about a page: on the console, of requests, and of blocked content."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clear()
        self._pending: dict[Request, float] = {}
        self._message_count, self._host = 0, ""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._add_to_console(f"uncaught: {first_line(str(error))}"))
        page.on("crash", lambda _: self.console.append("the page crashed"))
        page.on("dialog", self._on_dialog)
        page.on("popup", self._on_window)
        page.on("response", self._on_response)
        page.on("request", self._on_request)
        page.on("requestfinished", self._on_request_end)
        page.on("requestfailed", self._on_request_failed)
        page.expose_binding("helloDockViolation", lambda _source, *violation: self._on_violation(*violation))
        page.add_init_script(REPORT_VIOLATIONS)

    def clear(self) -> None:
        """Forget all events."""
        self.console: list[str] = []
        self.network: list[str] = []
        self.policy: list[str] = []
        self.unreachable: list[str] = []
        self.reported: list[str] = []  # what a policy that only reports would block
        self.loads = 0

    def snapshot(self, label: str, navigate: Callable[[], Response | None]) -> PageSnapshot:
        """Navigate, and take a snapshot with all events since the last one, each line once."""
        response = navigate()
        snapshot = replace(take_snapshot(self.page, label), status=response.status if response else 0)
        self._judge_rest(urlsplit(self.page.url).netloc)
        lists = (self.console, self.network, self.policy, self.unreachable)
        console, network, policy, unreachable = (tuple(dict.fromkeys(lines)) for lines in lists)
        self.clear()
        return replace(snapshot, console=console, network=network, policy=policy, unreachable=unreachable)

    def reloads(self, watch_s: float) -> bool:
        """Watch the page. True, and reported, if it loads again and again. Once it may be led elsewhere by a script."""
        before = self.loads
        self.page.wait_for_timeout(1000 * watch_s)
        if self.loads - before > 1:
            self.console.append(f"the page loads itself again and again, {self.loads - before} times in {watch_s:g} s")
        return self.loads - before > 1

    def _judge_rest(self, host: str) -> None:
        """Report a page that does not come to rest, or is left for another host, and files that do not come."""
        if self.loads > MAX_LOADS:
            self.console.append(f"the page loads itself again and again, {self.loads} times until now")
        if host != self._host:
            self.console.append(f"the page leaves the site for {self.page.url}")
        late = time.monotonic() - ANSWER_TIMEOUT_S
        for request, start in self._pending.items():
            if start < late and request.resource_type in FILES:
                self.network.append(f"{request.url}: not complete after {ANSWER_TIMEOUT_S:g} s")

    def _on_request(self, request: Request) -> None:
        self._pending[request] = time.monotonic()
        with contextlib.suppress(BrowserError):  # a request without a frame
            if request.is_navigation_request() and request.frame == self.page.main_frame:
                self.loads += not request.redirected_from
                self._host = self._host or urlsplit(request.url).netloc

    def _on_request_end(self, request: Request) -> None:
        self._pending.pop(request, None)

    def _on_console(self, message: ConsoleMessage) -> None:
        self._message_count += 1
        if self._message_count == MAX_MESSAGES:
            self.page.remove_listener("console", self._on_console)
            self.console.insert(0, f"more than {MAX_MESSAGES:,} messages")
        # Other events report failed requests and blocked content.
        is_repeated = message.text.startswith("Failed to load resource") or "Content Security Policy" in message.text
        if message.type == "error" and not is_repeated:
            self._add_to_console(f"error: {first_line(message.text)}")

    def _add_to_console(self, line: str) -> None:
        is_consequence = self.unreachable and FAILED_FETCH.search(line)
        (self.unreachable if is_consequence else self.console).append(line)

    def _on_violation(self, is_blocked: bool, text: str) -> None:  # noqa: FBT001 - the page calls it
        (self.policy if is_blocked else self.reported).append(text)

    def _on_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()  # the page is left, as it was asked to be
            return
        self.console.append(f"a dialog ({dialog.type}) covers the page: {first_line(dialog.message)}")
        dialog.dismiss()

    def _on_window(self, window: Page) -> None:
        self.console.append(f"the page opens a window: {window.url}")
        with contextlib.suppress(BrowserError):  # it may have closed itself
            window.close()

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:  # noqa: PLR2004 - HTTP's errors begin here
            self.network.append(f"{response.url}: {response.status}")

    def _on_request_failed(self, request: Request) -> None:
        self._on_request_end(request)
        # A page aborts requests when it is left, and the policy reports what it blocks.
        if request.failure not in ("net::ERR_ABORTED", "csp"):
            hosts = {urlsplit(url).netloc for url in (request.url, self.page.url)}
            is_unreachable = len(hosts) == 2 and NO_CONNECTION.search(request.failure or "")  # noqa: PLR2004 - the page's
            (self.unreachable if is_unreachable else self.network).append(f"{request.url}: {request.failure or ''}")


def take_snapshot(page: Page, label: str) -> PageSnapshot:
    """What the page shows as soon as it shows anything. A page that hangs or is left gives an empty snapshot."""
    try:
        content = page.wait_for_function(VISIBLE_CONTENT, timeout=CONTENT_TIMEOUT_MS).json_value()
    except BrowserTimeout:
        return PageSnapshot(label)
    except BrowserError as error:
        if "context was destroyed" not in error.message:
            raise
        return PageSnapshot(label)
    return PageSnapshot(label, title=content["title"], text=content["text"], has_content=True)


def first_line(text: str) -> str:
    """The first line of a text, of at most MAX_TEXT_CHARS."""
    return (text.strip().splitlines() or [""])[0][:MAX_TEXT_CHARS]
