"""What a page loads, by the browser's own account of the network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from playwright.sync_api import Page


@dataclass(frozen=True)
class Load:
    """One request of a page: times in milliseconds since the navigation, `wire` and `size` in bytes.

    `wire` is what came over the network, headers included; `size` the body decoded. `status` is 0 where none came.
    """

    url: str
    kind: str
    status: int = 0
    start: float = 0.0
    end: float = 0.0
    wire: int = 0
    size: int = 0
    encoding: str = ""


class Loads:
    """Listens to a page from before its first navigation: https://chromedevtools.github.io/devtools-protocol/tot/Network/."""

    def __init__(self, page: Page) -> None:
        self._begun: float | None = None
        self._open: dict[str, Load] = {}
        self._done: list[Load] = []
        session = page.context.new_cdp_session(page)
        for name, hear in (
            ("requestWillBeSent", self._sent),
            ("responseReceived", self._answered),
            ("dataReceived", self._received),
            ("loadingFinished", self._finished),
            ("loadingFailed", self._finished),
        ):
            session.on(f"Network.{name}", hear)
        session.send("Network.enable")

    def all(self) -> tuple[Load, ...]:
        """What was loaded so far, by when it began; with what is still under way."""
        return tuple(sorted([*self._done, *self._open.values()], key=lambda load: load.start))

    def _since(self, event: dict[str, Any]) -> float:
        now = float(event["timestamp"])
        if self._begun is None:
            self._begun = now
        return round((now - self._begun) * 1000, 1)

    def _sent(self, event: dict[str, Any]) -> None:
        name, since = event["requestId"], self._since(event)
        if "redirectResponse" in event and name in self._open:
            answer = event["redirectResponse"]
            load = self._open.pop(name)
            self._done.append(replace(load, status=answer["status"], end=since, wire=int(answer["encodedDataLength"])))
        if not event["request"]["url"].startswith("data:"):
            self._open[name] = Load(event["request"]["url"], event.get("type", "Other").lower(), start=since, end=since)

    def _answered(self, event: dict[str, Any]) -> None:
        answer = event["response"]
        given = {name.lower(): value for name, value in answer["headers"].items()}
        self._change(event, status=answer["status"], encoding=given.get("content-encoding", ""))

    def _received(self, event: dict[str, Any]) -> None:
        load = self._open.get(event["requestId"])
        if load:
            self._change(event, size=load.size + event["dataLength"])

    def _finished(self, event: dict[str, Any]) -> None:
        self._change(event, end=self._since(event), wire=int(event.get("encodedDataLength", 0)))
        if event["requestId"] in self._open:
            self._done.append(self._open.pop(event["requestId"]))

    def _change(self, event: dict[str, Any], **changes: Any) -> None:
        load = self._open.get(event["requestId"])
        if load:
            self._open[event["requestId"]] = replace(load, **changes)
