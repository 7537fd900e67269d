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


class DisturbedPage:
    """A page whose first loads end with these errors, of the page itself or of a script of it."""

    def __init__(self, *errors: str, of_script: bool = False) -> None:
        self.errors, self.of_script, self.requests = list(errors), of_script, 0
        self.listeners: list[Any] = []
        self.url = "about:blank"

    def goto(self, url: str, **_: Any) -> str:
        """Answer, or raise the next error."""
        self.requests += 1
        self.url = url
        if self.errors:
            error = self.errors.pop(0)
            if not self.of_script:
                raise BrowserError(error)
            for listener in self.listeners:
                listener(SimpleNamespace(url=f"{url}main.js", failure=error))
        return "answer"

    def on(self, event: str, listener: Any) -> None:
        """Listen for requests that fail."""
        assert event == "requestfailed"
        self.listeners.append(listener)

    def remove_listener(self, _event: str, listener: Any) -> None:
        """Listen no more."""
        self.listeners.remove(listener)


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


def test_page_that_goes_elsewhere_by_itself_at_the_same_moment_stays_there() -> None:
    """A page that loads itself again can be quicker than the browser. A new tab has no page that could."""
    message = 'Page.goto: Navigation to "http://h/a" is interrupted by another navigation to "http://h/"'
    page: Any = DisturbedPage(message, message, of_script=False)
    with pytest.raises(BrowserError, match="interrupted"):
        chromium.go_to(page, "http://h/a")
    assert page.url == "http://h/a"
    assert chromium.go_to(page, "http://h/a") is None
