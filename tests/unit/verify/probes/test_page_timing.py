from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docktasks.verify.probes.page_timing import NetworkRecorder, ResourceTiming, first_load


class DevToolsSession:
    """A page and its DevTools session, which sends the events that a test gives."""

    def __init__(self) -> None:
        self.listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.context = self

    def new_cdp_session(self, _page: object) -> DevToolsSession:
        """The session of this page."""
        return self

    def on(self, event: str, listener: Callable[[dict[str, Any]], None]) -> None:
        """Add a listener."""
        self.listeners[event] = listener

    def send(self, command: str) -> None:
        """Take the only command that is expected."""
        assert command == "Network.enable"

    def report(self, event: str, timestamp_s: float, request_id: str = "1", **fields: object) -> None:
        """Send an event."""
        self.listeners[f"Network.{event}"]({"requestId": request_id, "timestamp": timestamp_s} | fields)


def test_timings_are_what_the_browser_reports() -> None:
    """A size has no headers. A redirect is a request of its own, a request may never end, and data is no request."""
    session = DevToolsSession()
    page: Any = session
    recorder = NetworkRecorder(page)
    session.report("requestWillBeSent", 5.0, request={"url": "http://h/"}, type="Document")
    session.report(
        "requestWillBeSent", 5.01, request={"url": "http://h/app/"}, type="Document",
        redirectResponse={"status": 301, "encodedDataLength": 100},
    )  # fmt: skip
    response = {"status": 200, "headers": {"Content-Encoding": "br"}, "encodedDataLength": 100}
    session.report("responseReceived", 5.02, response=response)
    session.report("dataReceived", 5.03, dataLength=700)
    session.report("dataReceived", 5.03, dataLength=300)
    session.report("loadingFinished", 5.04, encodedDataLength=450)
    session.report("requestWillBeSent", 5.03, "2", request={"url": "http://h/a.js"}, type="Script")
    session.report("requestWillBeSent", 5.03, "3", request={"url": "data:image/png;base64,AA"}, type="Image")
    session.report("loadingFinished", 5.04, "4", encodedDataLength=1)
    assert recorder.timings() == (
        ResourceTiming("http://h/", "document", 301, 0.0, 10.0),
        ResourceTiming("http://h/app/", "document", 200, 10.0, 40.0, 350, 1000, "br"),
        ResourceTiming("http://h/a.js", "script", 0, 30.0, 30.0),
    )


def test_first_load_has_what_the_page_needs() -> None:
    """Its icon comes when the browser pleases, and by HEAD a page measures itself."""
    needed = [ResourceTiming("http://h/", "document"), ResourceTiming("http://h/data", "fetch")]
    others = [ResourceTiming("http://h/icon.svg", "other"), ResourceTiming("http://h/", "fetch", method="HEAD")]
    assert first_load([*others, *needed]) == tuple(needed)
