from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Error as BrowserError

from docktasks.verify.probes import chromium
from docktasks.verify.probes.page_events import NETWORK_CHANGED, first_line


def test_first_line_is_of_bounded_length() -> None:
    """A page may write anything to the console, of any length."""
    assert first_line("\n\nTypeError: x\n    at y") == "TypeError: x"
    assert len(first_line("x" * 100_000)) == 300
    assert first_line("") == ""


def test_link_that_something_covers_says_what_lies_over_it() -> None:
    """Playwright tells it in its log only."""
    log = "Locator.click: Timeout 10000ms exceeded.\nCall log:\n  - waiting\n  - <p>Wait</p> from <div>…</div> subtree"
    assert chromium.short_message(BrowserError(log)) == "Locator.click: Timeout 10000ms exceeded."
    error = BrowserError(f"{log} intercepts pointer events\n  - retrying")
    assert chromium.short_message(error) == "what is clicked lies under <p>Wait</p> from <div>…</div>"


class DisturbedPage:
    """A page whose first loads end with these errors, of the page itself or of a script of it."""

    def __init__(self, *errors: str, of_script: bool = False, status: int = 200) -> None:
        self.errors, self.of_script, self.requests, self.status = list(errors), of_script, 0, status
        self.listeners: list[tuple[str, Any]] = []
        self.url = "about:blank"

    def goto(self, url: str, **_: Any) -> str:
        """Answer, or raise the next error."""
        self.requests += 1
        self.url = url
        if self.errors:
            error = self.errors.pop(0)
            event = "requestfailed" if self.of_script else "response"
            for listener in [listener for name, listener in self.listeners if name == event]:
                listener(SimpleNamespace(url=f"{url}main.js", failure=error, status=self.status))
            if not self.of_script:
                raise BrowserError(error)
        return "answer"

    def on(self, event: str, listener: Any) -> None:
        """Listen for requests that fail, or responses."""
        self.listeners.append((event, listener))

    def remove_listener(self, event: str, listener: Any) -> None:
        """Listen no more."""
        self.listeners.remove((event, listener))


@pytest.mark.parametrize("of_script", [False, True])
def test_page_is_opened_again_when_the_network_of_the_machine_changed(
    monkeypatch: pytest.MonkeyPatch, *, of_script: bool
) -> None:
    """A container that starts or ends cuts off what Chromium is loading. Any other error counts at once."""
    monkeypatch.setattr(chromium, "settle", lambda navigate, _: navigate())
    page: Any = DisturbedPage(NETWORK_CHANGED, NETWORK_CHANGED, of_script=of_script)
    answer: Any = chromium.open_page(page, "http://h/")
    assert (answer, page.requests, page.listeners) == ("answer", 3, [])
    for error, requests in (("net::ERR_CONNECTION_REFUSED", 1), (NETWORK_CHANGED, chromium.MAX_ATTEMPTS)):
        page = DisturbedPage(*[error] * 9, of_script=of_script)
        with contextlib.nullcontext() if of_script else pytest.raises(BrowserError, match=error):
            chromium.open_page(page, "http://h/")
        assert page.requests == requests


@pytest.mark.parametrize(
    "message",
    [
        'Page.goto: Navigation to "http://h/a" is interrupted by another navigation to "http://h/"',
        "Page.goto: net::ERR_ABORTED at http://h/a",
    ],
)
def test_page_that_goes_elsewhere_by_itself_at_the_same_moment_stays_there(message: str) -> None:
    """A page that loads itself again can be quicker than the browser. A new tab has no page that could."""
    page: Any = DisturbedPage(message, message)
    with pytest.raises(BrowserError):
        chromium.go_to(page, "http://h/a")
    assert page.url == "http://h/a"
    assert chromium.go_to(page, "http://h/a") is None


def test_answer_without_a_page_is_a_fault() -> None:
    """After a 204 the browser stays on its page, too, but nothing else was loaded."""
    page: Any = DisturbedPage("Page.goto: net::ERR_ABORTED at http://h/a", status=204)
    page.url = "http://h/"
    with pytest.raises(BrowserError, match="ERR_ABORTED"):
        chromium.go_to(page, "http://h/a")
