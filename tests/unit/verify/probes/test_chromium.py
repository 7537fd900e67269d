from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Error as BrowserError

from docktasks.verify.probes import chromium
from docktasks.verify.probes.page_events import PageSnapshot, first_line


def test_first_line_is_of_bounded_length() -> None:
    """A page may write anything to the console, of any length."""
    assert first_line("\n\nTypeError: x\n    at y") == "TypeError: x"
    assert len(first_line("x" * 100_000)) == 300
    assert first_line("") == ""


@pytest.mark.parametrize(
    ("snapshot", "is_ok"),
    [
        (PageSnapshot("/", 200, has_content=True), True),
        (PageSnapshot("/about", 0, has_content=True), True),
        (PageSnapshot("/", 200), False),
        (PageSnapshot("/", 404, has_content=True), False),
    ],
)
def test_page_is_ok_with_content_and_without_an_error(snapshot: PageSnapshot, *, is_ok: bool) -> None:
    """Status 0 is a page that came without a request."""
    assert snapshot.is_ok is is_ok


class DisturbedPage:
    """A page whose first requests end with these errors."""

    def __init__(self, *errors: str) -> None:
        self.errors, self.requests = list(errors), 0

    def goto(self, _url: str, **_: Any) -> str:
        """Answer, or raise the next error."""
        self.requests += 1
        if self.errors:
            raise BrowserError(self.errors.pop(0))
        return "answer"


def test_page_is_opened_again_when_the_network_of_the_machine_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that starts or ends cuts off what Chromium is loading. Any other error counts at once."""
    monkeypatch.setattr(chromium, "settle", lambda navigate, _: navigate())
    page: Any = DisturbedPage(chromium.NETWORK_CHANGED, chromium.NETWORK_CHANGED)
    chromium.open_page(page, "http://h/")
    assert page.requests == 3
    for error, requests in (("net::ERR_CONNECTION_REFUSED", 1), (chromium.NETWORK_CHANGED, chromium.MAX_ATTEMPTS)):
        page = DisturbedPage(*[error] * 9)
        with pytest.raises(BrowserError, match=error):
            chromium.open_page(page, "http://h/")
        assert page.requests == requests
