"""Record the requests of a page, as Chromium's network layer reports them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it loads the browser's driver
    from playwright.sync_api import Page


@dataclass
class ResourceTiming:
    """One request of a page. `start` and `end` are milliseconds since the navigation. `status` is 0 without a response.

    The sizes are bytes of the body, as sent and decoded: https://www.w3.org/TR/resource-timing/ has them, too.
    """

    url: str
    kind: str
    status: int = 0
    start: float = 0.0
    end: float = 0.0
    encoded_size: int = 0
    decoded_size: int = 0
    encoding: str = ""
    method: str = "GET"

    @property
    def failed(self) -> bool:
        """True without a response, and for an error."""
        return not self.status or self.status >= 400  # noqa: PLR2004 - HTTP's errors begin here


def first_load(timings: Iterable[ResourceTiming]) -> tuple[ResourceTiming, ...]:
    """The requests that a first visit of the page needs.

    A browser loads the icon when it pleases, and a HEAD asks for no body: a page that measures itself sends some.
    """
    return tuple(timing for timing in timings if timing.method != "HEAD" and timing.kind != "other")


class NetworkRecorder:
    """Records the requests of a page that has not navigated yet. Playwright counts a body that HEAD announces."""

    def __init__(self, page: Page) -> None:
        self._start_s: float | None = None
        self._header_sizes: dict[str, int] = {}
        self._timings: list[ResourceTiming] = []
        self._current: dict[str, ResourceTiming] = {}  # by the id of the request, which those that follow it share
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._on_request)
        session.on("Network.responseReceived", self._on_response)
        session.on("Network.dataReceived", self._on_data)
        session.on("Network.loadingFinished", self._on_end)
        session.on("Network.loadingFailed", self._on_end)
        session.send("Network.enable")

    def timings(self) -> tuple[ResourceTiming, ...]:
        """All requests until now, with those that are under way."""
        return tuple(replace(timing) for timing in self._timings)

    def _elapsed_ms(self, event: dict[str, Any]) -> float:
        now_s = float(event["timestamp"])
        if self._start_s is None:
            self._start_s = now_s
        return round((now_s - self._start_s) * 1000, 1)

    def _on_request(self, event: dict[str, Any]) -> None:
        request_id, url, now = event["requestId"], event["request"]["url"], self._elapsed_ms(event)
        redirect = event.get("redirectResponse")
        if redirect and (timing := self._current.get(request_id)):  # one event ends a request and begins the next
            timing.status, timing.end = redirect["status"], now
        if not url.startswith("data:"):
            kind, method = event.get("type", "Other").lower(), event["request"].get("method", "GET")
            self._current[request_id] = ResourceTiming(url, kind, start=now, end=now, method=method)
            self._timings.append(self._current[request_id])

    def _on_response(self, event: dict[str, Any]) -> None:
        response = event["response"]
        self._header_sizes[event["requestId"]] = int(response.get("encodedDataLength", 0))
        headers = {name.lower(): value for name, value in response["headers"].items()}
        if timing := self._current.get(event["requestId"]):
            timing.status, timing.encoding = response["status"], headers.get("content-encoding", "")

    def _on_data(self, event: dict[str, Any]) -> None:
        if timing := self._current.get(event["requestId"]):
            timing.decoded_size += event["dataLength"]

    def _on_end(self, event: dict[str, Any]) -> None:
        if timing := self._current.get(event["requestId"]):
            received = int(event.get("encodedDataLength", 0))
            timing.encoded_size = max(0, received - self._header_sizes.get(event["requestId"], 0))
            timing.end = self._elapsed_ms(event)
