"""Record the requests of a page, as Chromium's network layer reports them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it loads the browser's driver
    from playwright.sync_api import Page


@dataclass(frozen=True)
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
        self._open: dict[str, ResourceTiming] = {}
        self._done: list[ResourceTiming] = []
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._on_request)
        session.on("Network.responseReceived", self._on_response)
        session.on("Network.dataReceived", self._on_data)
        session.on("Network.loadingFinished", self._on_end)
        session.on("Network.loadingFailed", self._on_end)
        session.send("Network.enable")

    def timings(self) -> tuple[ResourceTiming, ...]:
        """All requests until now, by their start, with those that are under way."""
        return tuple(sorted([*self._done, *self._open.values()], key=lambda timing: timing.start))

    def _elapsed_ms(self, event: dict[str, Any]) -> float:
        now_s = float(event["timestamp"])
        if self._start_s is None:
            self._start_s = now_s
        return round((now_s - self._start_s) * 1000, 1)

    def _on_request(self, event: dict[str, Any]) -> None:
        request_id, url, now = event["requestId"], event["request"]["url"], self._elapsed_ms(event)
        redirect = event.get("redirectResponse")
        if redirect:  # one event ends a request and begins the next, with the same id
            self._update(request_id, status=redirect["status"], end=now)
            self._finish(request_id)
        if not url.startswith("data:"):
            kind, method = event.get("type", "Other").lower(), event["request"].get("method", "GET")
            self._open[request_id] = ResourceTiming(url, kind, start=now, end=now, method=method)

    def _on_response(self, event: dict[str, Any]) -> None:
        response = event["response"]
        self._header_sizes[event["requestId"]] = int(response.get("encodedDataLength", 0))
        headers = {name.lower(): value for name, value in response["headers"].items()}
        self._update(event["requestId"], status=response["status"], encoding=headers.get("content-encoding", ""))

    def _on_data(self, event: dict[str, Any]) -> None:
        timing = self._open.get(event["requestId"])
        if timing:
            self._update(event["requestId"], decoded_size=timing.decoded_size + event["dataLength"])

    def _on_end(self, event: dict[str, Any]) -> None:
        received = int(event.get("encodedDataLength", 0))
        size = max(0, received - self._header_sizes.get(event["requestId"], 0))
        self._update(event["requestId"], end=self._elapsed_ms(event), encoded_size=size)
        self._finish(event["requestId"])

    def _update(self, request_id: str, **changes: Any) -> None:
        if request_id in self._open:
            self._open[request_id] = replace(self._open[request_id], **changes)

    def _finish(self, request_id: str) -> None:
        if request_id in self._open:
            self._done.append(self._open.pop(request_id))
