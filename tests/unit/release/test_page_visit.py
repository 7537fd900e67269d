"""What the gate concludes from the events of a page: the release's own fault, or a notice."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from playwright.sync_api import TimeoutError as BrowserTimeout

from docktasks.release.page_visit import PageVisit
from docktasks.verify.probes import page_events

URL = "http://127.0.0.1:49153"


class FakePage:
    """A page of a browser that reports what a test tells it to."""

    def __init__(self) -> None:
        self.url, self.main_frame = f"{URL}/", None
        self.listeners: dict[str, list[Callable[[Any], None]]] = {}
        self.context = SimpleNamespace(on=lambda _event, _listener: None)  # without a service worker

    def on(self, event: str, listener: Callable[[Any], None]) -> None:
        """Remember a listener."""
        self.listeners.setdefault(event, []).append(listener)

    def expose_binding(self, *_args: object) -> None:
        """Take the function that reports what a policy blocks."""

    def add_init_script(self, _script: str) -> None:
        """Take the script that listens for what a policy blocks."""

    def wait_for_function(self, *_args: object, **_options: object) -> None:
        """Show nothing in time."""
        raise BrowserTimeout("")

    def report(self, event: str, **values: object) -> None:
        """Call the listeners of an event."""
        for listener in self.listeners[event]:
            listener(SimpleNamespace(**values))

    def begin(self, request: Mock) -> None:
        """Begin a request, which gets no answer."""
        for listener in self.listeners["request"]:
            listener(request)


def visited(page: FakePage) -> PageVisit:
    """Return the visit of a page that shows something."""
    visit = PageVisit(page, URL)  # type: ignore[arg-type]
    visit.has_content, visit.status = True, 200
    return visit


def thrown(page: FakePage, message: str, name: str = "Error", stack: str = "") -> None:
    """Let the page throw."""
    page.report("pageerror", name=name, message=message, stack=stack or f"at {URL}/a.js:1:2")


def api_fails(page: FakePage, url: str = f"{URL}/api", kind: str = "fetch") -> None:
    """Let a request for data fail."""
    page.report("requestfailed", url=url, resource_type=kind, failure="net::ERR_CONNECTION_REFUSED")


def judged(visit: PageVisit) -> tuple[list[str], list[str]]:
    """Return the faults and notices about a page that is not blank."""
    return list(visit.faults()), list(visit.notices())


@pytest.mark.parametrize(
    "message",
    [
        "Cannot read properties of null (reading 'x')",
        "React is not defined",
        f"Failed to fetch dynamically imported module: {URL}/assets/a-Bx12ab_9.js",
        "Unable to preload CSS for /assets/a-Bx12ab_9.css",
        "Failed to resolve module specifier 'vue'",
        "fetchTides is not a function",
        "Cannot read properties of undefined (reading 'network')",
        "Refused to evaluate a string as JavaScript",
        'Dynamic require of "events" is not supported',
        "webglRenderer is missing",
    ],
)
def test_exception_of_the_apps_own_code_is_a_fault(message: str) -> None:
    """The page throws for every visitor."""
    page = FakePage()
    visit = visited(page)
    thrown(page, message)
    assert judged(visit) == ([f"/: uncaught Error: {message}"], [])


@pytest.mark.parametrize(
    "message",
    [
        "Failed to fetch",
        "TypeError: Failed to fetch",
        "TypeError: Failed to update a ServiceWorker for scope ('/')",
        "NetworkError when attempting to fetch resource.",
        "Request failed with status code 502",
        "timeout of 5000ms exceeded: timed out",
        "NotAllowedError: play() failed because the user didn't interact with the document first.",
        "Error creating WebGL context.",
        '"StatusBar" plugin is not implemented on web',
        "Failed to register a ServiceWorker for scope ('/'): ServiceWorker script evaluation failed",
        "Failed to fetch dynamically imported module: https://cdn.example/a.js",
        "ResizeObserver loop completed with undelivered notifications.",
    ],
)
def test_exception_for_a_reason_of_the_gate_is_a_notice(message: str) -> None:
    """An API, another host, a graphics card and a click of a visitor are not there."""
    page = FakePage()
    visit = visited(page)
    thrown(page, message)
    faults, notices = judged(visit)
    assert (faults, len(notices)) == ([], 1)
    assert notices[0].startswith("/: uncaught ")
    assert notices[0].endswith(message)


@pytest.mark.parametrize("kind", ["fetch", "xhr", "eventsource"])
def test_exception_after_a_failed_request_for_data_is_a_notice(kind: str) -> None:
    """The code may have gone on with nothing. What was thrown before is a fault."""
    page = FakePage()
    visit = visited(page)
    thrown(page, "one")
    api_fails(page, kind=kind)
    thrown(page, "two")
    assert judged(visit) == (["/: uncaught Error: one"], ["/: uncaught Error: two"])


@pytest.mark.parametrize(
    ("url", "kind", "failure", "faults"),
    [
        ("https://cdn.example/a.js", "script", "net::ERR_NAME_NOT_RESOLVED", 0),
        ("https://cdn.example/a.js", "script", "csp", 1),
        (f"{URL}/a.js", "script", "net::ERR_FAILED", 1),
        ("https://fonts.example/a.woff2", "font", "net::ERR_NAME_NOT_RESOLVED", 1),
        (f"{URL}/api", "fetch", "net::ERR_ABORTED", 1),
    ],
)
def test_only_what_is_out_of_reach_excuses_an_exception(url: str, kind: str, failure: str, faults: int) -> None:
    """A script of another host may be missing at the gate only. What the policy blocks is blocked everywhere."""
    page = FakePage()
    visit = visited(page)
    page.report("requestfailed", url=url, resource_type=kind, failure=failure)
    thrown(page, "x is not a function")
    assert len(judged(visit)[0]) == faults


@pytest.mark.parametrize(
    ("status", "media_type", "faults"),
    [(404, "text/plain", 0), (200, "text/html; charset=utf-8", 0), (200, "application/json", 1)],
)
def test_answer_that_is_no_data_excuses_an_exception(status: int, media_type: str, faults: int) -> None:
    """A site without the API answers its path with an error, or with the app's page."""
    page = FakePage()
    visit = visited(page)
    request = SimpleNamespace(resource_type="fetch", is_navigation_request=lambda: False)
    page.report("response", url=f"{URL}/api", status=status, headers={"content-type": media_type}, request=request)
    thrown(page, "x is not iterable")
    assert len(judged(visit)[0]) == faults


def test_exception_in_a_script_of_another_host_is_a_notice() -> None:
    """Its owner has to correct it."""
    page = FakePage()
    visit = visited(page)
    thrown(page, "x is undefined", stack="Error: x\n    at a (https://ads.example/a.js:1:2)\n    at http://127.0.0.1")
    assert judged(visit)[0] == []


def test_page_that_leads_to_another_site_is_not_judged() -> None:
    """A login page of another host is out of reach."""
    page = FakePage()
    visit = visited(page)
    visit.has_content = False
    page.url = "chrome-error://chromewebdata/"
    assert judged(visit) == ([], [f"/ leads to {page.url}, so the gate does not judge it"])


def test_page_that_waits_for_an_api_is_not_blank() -> None:
    """The notice names the request that failed."""
    page = FakePage()
    visit = visited(page)
    visit.has_content = False
    api_fails(page)
    assert judged(visit)[0] == []
    assert f"{URL}/api (net::ERR_CONNECTION_REFUSED)" in judged(visit)[1][0]


@pytest.mark.parametrize(
    ("url", "kind", "faults"),
    [
        ("https://cdn.example/a.js", "script", 0),
        ("https://login.example/", "document", 0),
        ("https://video.example/embedded", "document", 1),
        (f"{URL}/api", "fetch", 0),
        (f"{URL}/a.js", "script", 1),
    ],
)
def test_page_that_waits_for_what_the_gate_lacks_is_not_blank(
    url: str, kind: str, faults: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall may drop packets, so that a request to another host neither succeeds nor fails."""
    monkeypatch.setattr(page_events, "ANSWER_TIMEOUT_S", 0)
    monkeypatch.setattr("docktasks.release.page_visit.is_one_color", lambda _: True)
    page = FakePage()
    visit = visited(page)
    frame = page.main_frame if "login" in url else "another frame"
    page.begin(Mock(url=url, resource_type=kind, post_data_buffer=None, frame=frame))
    visit.look(None)
    assert len(judged(visit)[0]) == faults


def test_page_with_an_open_stream_may_be_blank(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of a server have been answered, and never end. They are no reason to show nothing."""
    monkeypatch.setattr(page_events, "ANSWER_TIMEOUT_S", 0)
    monkeypatch.setattr("docktasks.release.page_visit.is_one_color", lambda *_: True)
    page = FakePage()
    visit = visited(page)
    request = Mock(url=f"{URL}/events", resource_type="eventsource", post_data_buffer=None)
    page.begin(request)
    page.report("response", url=request.url, status=200, headers={"content-type": "text/event-stream"}, request=request)
    visit.look(None)
    assert len(judged(visit)[0]) == 1
