"""Start Chromium, open pages, and record what they show and which faults the browser reports. Every wait is bounded."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Timer
from typing import Any

import psutil
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    Response,
    ViewportSize,
    sync_playwright,
)
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as BrowserTimeout

ACTION_TIMEOUT_MS = 10_000
"""Limit for one action in the browser, such as a click."""
LOAD_TIMEOUT_MS = 3_000
"""How long to wait for a page to finish loading. After that it is judged as it is."""
SETTLE_MS = 150
"""Without a new request for this long, a page has finished loading."""
CONTENT_TIMEOUT_MS = 5_000
"""How long a page may then stay empty or unchanged."""
MAX_TEXT_CHARS = 300
WIDE_VIEWPORT = ViewportSize(width=1280, height=800)


def page_script(name: str) -> str:
    """Return JavaScript of this folder, to run in a page."""
    return (Path(__file__).parent / f"{name}.js").read_text()


VISIBLE_CONTENT = page_script("visible_content")
REPORT_VIOLATIONS = page_script("report_violations")


@dataclass(frozen=True)
class PageSnapshot:
    """What a page shows, and the faults that the browser reported until then: `console`, `network` and `policy`.

    `label` is the page's name in evidence. `status` is 0 if the page came without a request, as after a click.
    """

    label: str
    status: int = 0
    title: str = ""
    text: str = ""
    has_content: bool = False
    console: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    policy: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        """True if the page shows something, and is no error page of the server."""
        return self.has_content and self.status < 400  # noqa: PLR2004 - HTTP's errors begin here


@contextlib.contextmanager
def launch_browser(executable: str, limit_s: float, mark: str = "") -> Iterator[Browser]:
    """Run a Chromium for at most `limit_s` seconds; after that every action in it raises BrowserError.

    kill_browser(mark) kills it earlier.
    """
    mark = mark or new_mark()
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--disable-background-networking", "--no-proxy-server", mark],
            chromium_sandbox=not is_root,  # Chromium refuses to run its sandbox as root
        )
        timer = Timer(limit_s, kill_browser, [mark])
        timer.daemon = True
        timer.start()
        try:
            yield browser
        finally:
            browser.close()
            timer.cancel()


def new_mark() -> str:
    """Return a flag by which a browser is found among the processes. Chromium ignores unknown flags."""
    return f"--hello-dock-visit={secrets.token_hex(8)}"


def kill_browser(mark: str) -> None:
    """Kill the browser that was started with this flag; its pages end with it."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if mark in process.cmdline():
                process.kill()


class PageEvents:
    """Collects what the browser reports about a page: on the console, of requests, and of blocked content."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clear()
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {first_line(str(error))}"))
        page.on("crash", lambda _: self.console.append("the page crashed"))
        page.on("dialog", self._on_dialog)
        page.on("response", self._on_response)
        page.on("requestfailed", self._on_request_failed)
        page.expose_binding("helloDockViolation", lambda _source, *violation: self._on_violation(*violation))
        page.add_init_script(REPORT_VIOLATIONS)

    def clear(self) -> None:
        """Forget all events."""
        self.console: list[str] = []
        self.network: list[str] = []
        self.policy: list[str] = []
        self.reported: list[str] = []  # what a policy that only reports would block

    def snapshot(self, label: str, navigate: Callable[[], Response | None]) -> PageSnapshot:
        """Navigate, and take a snapshot with all events since the last one, each line once."""
        response = navigate()
        snapshot = replace(take_snapshot(self.page, label), status=response.status if response else 0)
        console, network, policy = (tuple(dict.fromkeys(lines)) for lines in (self.console, self.network, self.policy))
        self.clear()
        return replace(snapshot, console=console, network=network, policy=policy)

    def _on_console(self, message: ConsoleMessage) -> None:
        # Other events report failed requests and blocked content.
        is_repeated = message.text.startswith("Failed to load resource") or "Content Security Policy" in message.text
        if message.type == "error" and not is_repeated:
            self.console.append(f"error: {first_line(message.text)}")

    def _on_violation(self, is_blocked: bool, text: str) -> None:  # noqa: FBT001 - the page calls it
        (self.policy if is_blocked else self.reported).append(text)

    def _on_dialog(self, dialog: Dialog) -> None:
        if dialog.type != "beforeunload":
            self.console.append(f"a dialog ({dialog.type}) covers the page: {first_line(dialog.message)}")
        dialog.dismiss()

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:  # noqa: PLR2004 - HTTP's errors begin here
            self.network.append(f"{response.url}: {response.status}")

    def _on_request_failed(self, request: Request) -> None:
        # A page aborts requests when it is left, and the policy reports what it blocks.
        if request.failure not in ("net::ERR_ABORTED", "csp"):
            self.network.append(f"{request.url}: {request.failure or ''}")


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


def open_page(page: Page, url: str) -> Response | None:
    """Go to an address, and wait until the page has loaded."""
    return settle(lambda: page.goto(url, wait_until="commit"), page)


def reload_page(page: Page) -> Response | None:
    """Reload, and wait until the page has loaded."""
    return settle(lambda: page.reload(wait_until="commit"), page)


def settle(navigate: Callable[[], Response | None], page: Page) -> Response | None:
    """Navigate, and wait until no request is under way. Playwright's "networkidle" takes half a second more."""
    deadline = time.monotonic() + LOAD_TIMEOUT_MS / 1000
    with _pending_requests(page) as pending:
        response = navigate()
        with contextlib.suppress(BrowserTimeout):
            page.wait_for_load_state("load", timeout=LOAD_TIMEOUT_MS)
        while time.monotonic() < deadline:
            with contextlib.suppress(BrowserTimeout):
                page.wait_for_event("request", timeout=SETTLE_MS)
                continue
            if not pending:
                break
    return response


@contextlib.contextmanager
def _pending_requests(page: Any) -> Iterator[set[Request]]:
    """The requests of a Page that are under way, kept up to date in the block."""
    pending: set[Request] = set()

    def begin(request: Request) -> None:
        pending.add(request)

    def end(request: Request) -> None:
        pending.discard(request)

    listeners = {"request": begin, "requestfinished": end, "requestfailed": end}
    for event, listener in listeners.items():
        page.on(event, listener)
    try:
        yield pending
    finally:
        for event, listener in listeners.items():
            page.remove_listener(event, listener)


def take_snapshot(page: Page, label: str) -> PageSnapshot:
    """What the page shows as soon as it shows anything. A page that hangs gives an empty snapshot."""
    try:
        content = page.wait_for_function(VISIBLE_CONTENT, timeout=CONTENT_TIMEOUT_MS).json_value()
    except BrowserTimeout:
        return PageSnapshot(label)
    return PageSnapshot(label, title=content["title"], text=content["text"], has_content=True)


def short_message(error: BrowserError) -> str:
    """The browser's error without Playwright's call log."""
    return first_line(error.message.partition("Call log:")[0].removeprefix("Page.goto: "))


def first_line(text: str) -> str:
    """The first line of a text, of at most MAX_TEXT_CHARS."""
    return (text.strip().splitlines() or [""])[0][:MAX_TEXT_CHARS]
