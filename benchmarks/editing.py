"""An app that is edited while somebody serves it: how long a start takes, and an edit."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx

from benchmarks.generated import App
from docktasks import waiting
from docktasks.errors import BenchError

START = 120
"""Seconds that a start may take, and an edit a sixth of it."""


@dataclass(frozen=True)
class Way:
    """A way to serve a copy of an app: how it forgets what it installed, installs, starts, and stops.

    One that `waits` has started when the page was served. A further request would wait for all that the page has the
    dev server load, which nobody else's first request does.
    """

    app: App
    folder: Path
    host_port: int
    forget: Callable[[], object]
    install: Callable[[], object]
    start: Callable[[], object]
    stop: Callable[[], object]
    waits: bool = False

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.host_port}"

    def cold(self) -> float:
        """Seconds until the page is served, with nothing installed."""
        self.stop()
        self.forget()
        return self._served(self.install)[0]

    def warm(self) -> tuple[float, float]:
        """Seconds until the page is served, and until its script runs, with everything installed."""
        self.stop()
        return self._served(lambda: None)

    def _served(self, before: Callable[[], object]) -> tuple[float, float]:
        """It does not run on: a dev server that loads what its page needs would slow the start of the next."""
        try:
            began = time.perf_counter()
            before()
            self.start()
            started = time.perf_counter()
            self._answers()
            served = started if self.waits else time.perf_counter()
            self._loads()
            return served - began, time.perf_counter() - began
        finally:
            self.stop()

    def serve(self) -> None:
        """Have it serve. Raises BenchError when it does not."""
        self.start()
        self._answers()

    def _answers(self) -> None:
        looked = waiting.wait_until(lambda: waiting.http_ready(self.url, timeout=1), START, 0.01)
        if not looked.ready:
            raise BenchError(f"A dev server does not come up: {looked.status}", "", "See what its command says")

    def _loads(self) -> None:
        """Fetch the page, its script, and the first package that this imports, which Vite may have to bundle first."""
        path = "/"
        with httpx.Client(base_url=self.url, trust_env=False, timeout=START) as client:
            for names in (r'src="(/src/[^"]+)"', r'"(/node_modules/[^"]+)"'):
                found = re.search(names, client.get(path).raise_for_status().text)
                if found is None:
                    raise BenchError(f"{self.url}{path} names no module.", "", "See what it answers")
                path = found.group(1)
            client.get(path).raise_for_status()

    def save(self, text: str) -> float:
        """Edit the app; the time just before, in seconds since 1970."""
        began = time.time()
        self.app.edit(self.folder, text)
        return began


class Served:
    """Saves, and asks for the module over and over until it has the new text: milliseconds."""

    def __init__(self, way: Way) -> None:
        self.way, self.numbers = way, count()

    def __call__(self) -> float:
        """Once. Raises BenchError when the edit does not arrive."""
        text, path = f"served-{next(self.numbers)}", f"/{self.way.app.edited}"
        # Anew in each round: node closes a connection that was idle for 5 s, maybe just when a request goes out on it.
        with httpx.Client(base_url=self.way.url, trust_env=False, timeout=10) as client:

            def look() -> waiting.Probe:
                answer = client.get(path, headers={"Accept": "*/*"})
                return waiting.Probe(text in answer.text, f"{path} answers {answer.status_code}, without the new text")

            look()
            began = self.way.save(text)
            looked = waiting.wait_until(look, START / 6, 0.0005)
        if not looked.ready:
            raise BenchError("An edit does not arrive.", f"{self.way.url}{looked.status}", "See what the server says")
        return (time.time() - began) * 1000
