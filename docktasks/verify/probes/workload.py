"""What a page does while nobody touches it: how often it loads, asks, and keeps the processor busy."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from playwright.sync_api import CDPSession, Page, Request
from playwright.sync_api import Error as BrowserError

MAX_LOADS, MAX_REPEATS = 4, 1
"""A page may lead to another one by a script, or load again once. One that loads more often does so for ever."""
MAX_REQUESTS, POLL_TIME_S = 2, 3
"""A page may ask for one address twice a second, and more often for less than three seconds in a row."""
MAX_CPU_S = 0.5
"""A page that uses the processor for so long after it has loaded is busy."""
MAX_BLOCKED_S = 2.0
"""How long tasks may block a page. It must have used the processor as long: for half of that in a snapshot."""
MAX_CHARS = 300
NEW_EACH_TIME = re.compile(r"(?<=[?=&])(?:\d{6,}|0?\.\d+|[\w-]{16,})(?=&|$)")
"""What keeps caches from answering in the place of a parameter: a time, or a random number or text."""


class Workload:
    """The work of one page since the last look. `tasks` has the milliseconds of each that took more than a second."""

    def __init__(self, page: Page) -> None:
        self._page, self._cpu_before_s = page, 0.0
        self.clear()
        page.on("websocket", lambda socket: self._times[_without_query(socket.url)].append(time.monotonic()))

    def clear(self) -> None:
        """Forget loads, requests and tasks."""
        self.tasks: list[float] = []
        self._loads: list[str] = []
        self._times: defaultdict[str, list[float]] = defaultdict(list)

    @property
    def has_reloaded(self) -> bool:
        """True if the page has loaded an address again."""
        return len(self._loads) > len(set(self._loads))

    @property
    def has_loaded(self) -> bool:
        """True if the page, or another one, has loaded since the last look."""
        return bool(self._loads)

    @property
    def is_busy(self) -> bool:
        """True if the page has not come to rest since the last look."""
        return self._cpu_s() - self._cpu_before_s > MAX_CPU_S

    def history(self) -> tuple[int, list[str]]:
        """Return where the page is in the tab's history, and its addresses; (0, []) while it makes way for another."""
        history = self.ask("Page.getNavigationHistory")
        return int(history.get("currentIndex", 0)), [entry["url"] for entry in history.get("entries", [])]

    @cached_property
    def session(self) -> CDPSession:
        """The page's session of Chromium's protocol, which counts its use of the processor."""
        session = self._page.context.new_cdp_session(self._page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        return session

    def ask(self, method: str) -> dict[str, Any]:
        """Return Chromium's answer; an empty one while the page makes way for another."""
        with contextlib.suppress(BrowserError):
            return dict(self.session.send(method))
        return {}

    def add(self, request: Request, *, is_load: bool) -> None:
        """Count a request. `is_load` is True for one that loads the page."""
        if request.resource_type != "media":  # a video is loaded in many parts
            self._times[_question(request)].append(time.monotonic())
        if is_load:
            self._loads.append(_without_query(request.url))

    def judge(self, min_cpu_s: float) -> list[str]:
        """Return what keeps the page from rest, and begin to count again."""
        lines, self._cpu_before_s = list(self._unrest(min_cpu_s)), self._cpu_s()
        self.clear()
        return lines

    def _unrest(self, min_cpu_s: float) -> Iterator[str]:
        now, count = time.monotonic(), len(self._loads)
        if is_loading := count > MAX_LOADS or count - len(set(self._loads)) > MAX_REPEATS:
            yield "the page loads itself again and again"
        for question, times in self._times.items():
            seconds = Counter(int(now - sent) for sent in times)
            if not is_loading and all(seconds[second] > MAX_REQUESTS for second in range(POLL_TIME_S)):
                yield f"{question}, asked for without end, more than {MAX_REQUESTS} times a second"
        blocked_s = sum(self.tasks) / 1000
        if blocked_s > MAX_BLOCKED_S and self._cpu_s() - self._cpu_before_s > min_cpu_s:
            yield f"scripts block the page for {blocked_s:.1f} s"

    def _cpu_s(self) -> float:
        metrics = self.ask("Performance.getMetrics").get("metrics", [])
        return next((float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration"), 0.0)


def _question(request: Request) -> str:
    """The request as text, without numbers that only make it a new one. Several parts of a page may ask one address."""
    address = NEW_EACH_TIME.sub("", request.url.partition("#")[0])[:MAX_CHARS]
    body = (request.post_data_buffer or b"")[:MAX_CHARS].decode(errors="replace")
    return f"{address}: {request.method} {re.sub('[0-9]+', '0', body)}".strip()


def _without_query(url: str) -> str:
    """The address without its query, which may be a new one each time."""
    return url.partition("#")[0].partition("?")[0][:MAX_CHARS]
