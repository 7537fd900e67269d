"""What a page shows, and what the browser reports about it meanwhile."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Dialog, Page, Request, Response
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as BrowserTimeout

from docktasks.verify.probes.workload import MAX_BLOCKED_S, MAX_LOADS, Workload

CONTENT_TIMEOUT_MS = 5_000
"""How long a page may then stay empty or unchanged."""
MAX_TEXT_CHARS, ANSWER_TIMEOUT_S = 300, 2.5
MAX_MESSAGES = 1000
"""How many messages of the console are taken. A page may write faster than they are read."""
FILES = ("document", "script", "stylesheet", "image", "font")
"""What a page needs, and what has an end: https://playwright.dev/python/docs/api/class-request#request-resource-type."""


def page_script(name: str) -> str:
    """Return JavaScript of this folder, to run in a page."""
    return (Path(__file__).parent / f"{name}.js").read_text()


VISIBLE_CONTENT, RECORD_PAGE = page_script("visible_content"), page_script("record_page")
Kind = Literal["console", "network", "policy", "reported", "unreachable", "interruptions", "activity"]
"""`reported` is what a policy that only reports would block. `unreachable` has the requests to other hosts that got no
answer in time, and what scripts say about them. `interruptions` are dialogs, questions and the like that no visitor
asked for; `activity` is what a page does without end."""
RECORDED: dict[str, Kind] = {"policy": "policy", "reported": "reported"}
"""The kinds that record_page.js tells, next to interruptions."""
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
"""Chromium's error for everything that it is loading while a network interface of the machine appears or goes."""
OFFLINE = re.compile(r"ERR_(NAME|DNS|INTERNET|ADDRESS|CONNECTION|TIMED_OUT|PROXY|TUNNEL|SSL|CERT|QUIC|NETWORK_ACCESS)")
"""Chromium's errors for a host that cannot be reached from this machine: https://chromium.googlesource.com/chromium/src/+/main/net/base/net_error_list.h"""
FAILED_FETCH = re.compile(r"(?i)failed to (fetch|load|connect)|network ?error|load failed|ERR_")
"""What scripts say when a request got no answer."""


class Event(NamedTuple):
    """One thing that the browser reports about a page, of one kind."""

    kind: Kind
    text: str


class Log:
    """Has the events of a page, in the order in which the browser reported them."""

    events: Sequence[Event]

    def texts(self, *kinds: Kind) -> list[str]:
        """Return the texts of the events of these kinds, in the order of the kinds."""
        return [event.text for kind in kinds for event in self.events if event.kind == kind]

    @property
    def disturbances(self) -> list[str]:
        """What did not load because the machine's network changed, as when a container starts: no fault of the site."""
        return [event.text for event in self.events if NETWORK_CHANGED in event.text]


@dataclass(frozen=True)
class PageSnapshot(Log):
    """What a page shows, and what the browser reported until then, each event once.

    `label` is its name in evidence. `status` is 0 without a request, as after a click. Hidden content `is_one_color`.
    """

    label: str
    status: int = 0
    title: str = ""
    has_content: bool = False
    is_one_color: bool = False
    events: tuple[Event, ...] = ()

    def without(self, known: Collection[str]) -> PageSnapshot:
        """Return the snapshot without events whose texts are known."""
        return replace(self, events=tuple(event for event in self.events if event.text not in known))


class PageEvents(Log):
    """Collects what the browser reports about a page."""

    def __init__(self, page: Page) -> None:
        self.page, self.workload = page, Workload(page)
        self._pending: dict[Request, float] = {}
        self._shared = set[str]()  # the scripts of shared workers, of which the browser tells a page no end
        self._message_count, self._host, self._worker_lacks_host = 0, "", False
        self.clear()
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._add_to_console(f"uncaught: {text_of(error)}"))
        page.on("crash", lambda _: self.add("console", "the page crashed"))
        page.on("dialog", self._on_dialog)
        page.on("popup", self._on_window)
        page.on("download", lambda file: self.add("interruptions", f"a download begins: {file.url[:MAX_TEXT_CHARS]}"))
        page.on("response", self._on_response)
        page.on("request", self._on_request)
        page.on("requestfinished", self._on_request_end)
        page.on("requestfailed", self._on_request_failed)
        page.context.on("requestfailed", self._on_request_of_worker_failed)
        page.expose_binding("helloDockEvent", lambda _source, kind, text: self._on_event(kind, text))
        page.add_init_script(RECORD_PAGE)

    @property
    def is_loading(self) -> bool:
        """True while a request is under way."""
        return any(request.url not in self._shared for request in self._pending)

    @property
    def unanswered(self) -> list[Request]:
        """The requests that have no complete answer after ANSWER_TIMEOUT_S."""
        late = time.monotonic() - ANSWER_TIMEOUT_S
        return [request for request, start in self._pending.items() if start < late and request.url not in self._shared]

    def clear(self) -> None:
        """Forget all events."""
        self.events: list[Event] = []
        self.workload.clear()

    def add(self, kind: Kind, *lines: str) -> None:
        """Add events of one kind, but for those of another site's page, to which this one led."""
        if not self._is_elsewhere(self.page.url):
            self.events += [Event(kind, line) for line in lines]

    def snapshot(self, label: str, navigate: Callable[[], Response | None]) -> PageSnapshot:
        """Navigate, and take a snapshot with all events since the last one."""
        _, response = self.workload.session, navigate()
        snapshot = take_snapshot(self.page, label)
        self.judge_rest(MAX_BLOCKED_S / 2)
        events = tuple(dict.fromkeys(self.events))
        self.clear()
        return replace(snapshot, status=response.status if response else 0, events=events)

    def judge_rest(self, min_cpu_s: float = MAX_BLOCKED_S) -> None:
        """Report a page that does not come to rest, or is left for another host, and files that do not come.

        Loads and requests are then counted from here on.
        """
        if urlsplit(self.page.url).netloc != self._host:
            self.events.append(Event("interruptions", f"the page leaves the site for {self.page.url}"))
        self.add("activity", *self.workload.judge(min_cpu_s))
        for request in self.unanswered:
            if request.resource_type in FILES:
                kind: Kind = "unreachable" if self._is_elsewhere(request.url) else "network"
                self.add(kind, f"{request.url}: not complete after {ANSWER_TIMEOUT_S:g} s")

    def _on_event(self, kind: str, text: str) -> None:
        if kind == "tasks":
            self.workload.tasks.append(float(text))
        elif kind == "shared":
            self._shared.add(text)
        else:
            self.add(RECORDED.get(kind, "interruptions"), text)

    def is_load(self, request: Request) -> bool:
        """Return True for a request that loads the page, or another one in its place."""
        with contextlib.suppress(BrowserError):  # a request without a frame
            return request.is_navigation_request() and request.frame == self.page.main_frame
        return False

    def _on_request(self, request: Request) -> None:
        self._pending[request] = time.monotonic()
        is_load = self.is_load(request)
        self.workload.add(request, is_load=is_load and not request.redirected_from)
        self._host = self._host or (urlsplit(request.url).netloc if is_load else "")

    def _on_request_end(self, request: Request) -> None:
        self._pending.pop(request, None)

    def _on_console(self, message: ConsoleMessage) -> None:
        self._message_count += 1
        if self._message_count == MAX_MESSAGES:
            self.page.remove_listener("console", self._on_console)
            self.events.insert(0, Event("console", f"more than {MAX_MESSAGES:,} messages"))
        # Other events report failed requests and blocked content.
        is_repeated = message.text.startswith("Failed to load resource") or "Content Security Policy" in message.text
        if message.type == "error" and not is_repeated:
            self._add_to_console(f"error: {first_line(message.text)}")

    def _add_to_console(self, line: str) -> None:
        of_worker = self._worker_lacks_host and "ServiceWorker script evaluation failed" in line
        is_consequence = of_worker or (FAILED_FETCH.search(line) and self.texts("unreachable"))
        self.add("unreachable" if is_consequence else "console", line)

    def _on_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":
            self.add("interruptions", "a dialog holds back a visitor who leaves the page")
            dialog.accept()
        else:
            self.add("interruptions", f"a dialog ({dialog.type}) covers the page: {first_line(dialog.message)}")
            dialog.dismiss()

    def _on_window(self, window: Page) -> None:
        self.add("interruptions", f"the page opens a window: {window.url}")
        with contextlib.suppress(BrowserError):  # it may have closed itself
            window.close()

    def _on_response(self, response: Response) -> None:
        is_left = self._is_elsewhere(response.url) and self.is_load(response.request)
        if response.status >= 400 and not is_left:  # noqa: PLR2004 - HTTP's errors begin here
            self.add("network", f"{response.url}: {response.status}")

    def _on_request_of_worker_failed(self, request: Request) -> None:
        """Note a failure of a service worker's request, which is that of no page."""
        if request.service_worker:
            self._on_request_failed(request)
            self._worker_lacks_host = self._worker_lacks_host or bool(self.texts("unreachable"))

    def _on_request_failed(self, request: Request) -> None:
        self._pending.pop(request, None)
        # A page aborts requests when it is left, and the policy reports what it blocks.
        if request.failure not in ("net::ERR_ABORTED", "csp"):
            is_unreachable = self._is_elsewhere(request.url) and OFFLINE.search(request.failure or "")
            self.add("unreachable" if is_unreachable else "network", f"{request.url}: {request.failure or ''}")

    def _is_elsewhere(self, url: str) -> bool:
        return url.startswith("http") and urlsplit(url).netloc != self._host


def take_snapshot(page: Page, label: str, attempts: int = MAX_LOADS) -> PageSnapshot:
    """What the page shows as soon as it shows anything. A page that hangs or is left again and again shows nothing."""
    try:
        content = page.wait_for_function(VISIBLE_CONTENT, timeout=CONTENT_TIMEOUT_MS).json_value()
    except BrowserTimeout:
        return PageSnapshot(label)
    except BrowserError as error:
        if "context was destroyed" not in error.message:
            raise
        return take_snapshot(page, label, attempts - 1) if attempts else PageSnapshot(label)
    return PageSnapshot(label, title=content["title"], has_content=True)


def text_of(error: BrowserError) -> str:
    """What a script threw, in a line with its kind, such as `TypeError: a is null`."""
    kind = "" if not error.name or error.name in error.message else f"{error.name}: "
    return first_line(kind + error.message.removeprefix("Uncaught (in promise) "))


def first_line(text: str) -> str:
    """The first line of a text, of at most MAX_TEXT_CHARS."""
    return (text.strip().splitlines() or [""])[0][:MAX_TEXT_CHARS]
