"""How long a dev server takes to start, and until it serves an edit of the app."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx

from benchmarks.synthetic_apps import EditableApp
from docktasks import waiting
from docktasks.errors import BenchError

START_TIMEOUT_S = 120
EDIT_TIMEOUT_S = 20
CLIENT_TIMEOUT_S = 10
POLL_INTERVAL_S = 0.0005
"""Time between two requests for an edited module."""


@dataclass(frozen=True)
class DevServer:
    """A way to serve a copy of an app, and the steps of its life: forget what is installed, install, start, stop.

    With `waits_until_served`, `start` returns when the page is served. Its start is then not measured by a further
    request: that would wait until the dev server has loaded everything that the page imports, which the first
    request to the other servers does not.
    """

    app: EditableApp
    folder: Path
    host_port: int
    forget: Callable[[], object]
    install: Callable[[], object]
    start: Callable[[], object]
    stop: Callable[[], object]
    waits_until_served: bool = False

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.host_port}"

    def cold_start(self) -> float:
        """Seconds until the page is served, when nothing is installed."""
        self.stop()
        self.forget()
        return self._time_start(self.install)[0]

    def warm_start(self) -> tuple[float, float]:
        """Seconds until the page is served, and until its script is, when everything is installed."""
        self.stop()
        return self._time_start(lambda: None)

    def _time_start(self, prepare: Callable[[], object]) -> tuple[float, float]:
        """Stops the server afterwards: one that is loading what its page needs would slow down the next start."""
        try:
            begin = time.perf_counter()
            prepare()
            self.start()
            started = time.perf_counter()
            self._await_page()
            served = started if self.waits_until_served else time.perf_counter()
            self._load_script()
            return served - begin, time.perf_counter() - begin
        finally:
            self.stop()

    def serve(self) -> None:
        """Start it, and wait until it answers. Raises BenchError when it does not."""
        self.start()
        self._await_page()

    def _await_page(self) -> None:
        probe = waiting.wait_until(lambda: waiting.http_ready(self.url, timeout=1), START_TIMEOUT_S, 0.01)
        if not probe.ready:
            raise BenchError(f"A dev server does not start: {probe.status}", "", "See what its command prints")

    def _load_script(self) -> None:
        """Fetch the page, its script, and the first package that the script imports, which Vite may have to bundle."""
        path = "/"
        with httpx.Client(base_url=self.url, trust_env=False, timeout=START_TIMEOUT_S) as client:
            for reference in (r'src="(/src/[^"]+)"', r'"(/node_modules/[^"]+)"'):
                match = re.search(reference, client.get(path).raise_for_status().text)
                if match is None:
                    raise BenchError(f"{self.url}{path} references no module.", "", "See what it answers")
                path = match.group(1)
            client.get(path).raise_for_status()

    def edit(self, text: str) -> float:
        """Write a new text into the app. Returns the time just before, in seconds since 1970."""
        start = time.time()
        self.app.edit(self.folder, text)
        return start


class EditToServed:
    """Edits the app, and asks for the edited module again and again until it has the new text."""

    def __init__(self, server: DevServer) -> None:
        self.server, self.numbers = server, count()

    def __call__(self) -> float:
        """Measure one edit, in milliseconds. Raises BenchError when it does not arrive."""
        text, path = f"served-{next(self.numbers)}", f"/{self.server.app.edited}"
        # A new connection each time: node closes one that was idle for 5 s, perhaps just when a request is sent on it.
        with httpx.Client(base_url=self.server.url, trust_env=False, timeout=CLIENT_TIMEOUT_S) as client:

            def probe_module() -> waiting.Probe:
                response = client.get(path, headers={"Accept": "*/*"})
                return waiting.Probe(text in response.text, f"{path} answers {response.status_code}, with the old text")

            probe_module()
            start = self.server.edit(text)
            probe = waiting.wait_until(probe_module, EDIT_TIMEOUT_S, POLL_INTERVAL_S)
        if not probe.ready:
            address = f"{self.server.url}{probe.status}"
            raise BenchError("An edit does not arrive.", address, "See what the dev server prints")
        return (time.time() - start) * 1000
