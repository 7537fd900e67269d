"""Visitors: clients that load the page again and again while releases change, and record what fails."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING

import httpx

from benchmarks.network import join_network
from docktasks.waiting import Probe, wait_until

if TYPE_CHECKING:
    from typing_extensions import Self

REFERENCES = re.compile(r"""(?:src|href)=["'](/[^"'#?]+)["']""")
LAZY_CHUNKS = re.compile(r"""["'`](?:\.{0,2}/)?(?:assets/)?([\w-]+-[\w-]{8}\.(?:js|css))["'`]""")
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
REQUEST_TIMEOUT_S = 10
COUNT_TIMEOUT_S = 60
"""How long until() waits for the requests that it counts."""
SHOWN_FAILURES = 30


class Visitor:
    """Acts roughly like one browser.

    It loads the page and the files that the page references, and later a chunk that an older page referenced.
    """

    def __init__(self, crowd: Visitors, *, keeps_alive: bool) -> None:
        self.crowd, self.keeps_alive = crowd, keeps_alive
        self.page = b""
        self.lazy: list[str] = []
        self.lazy_before: list[str] = []

    async def stay(self) -> None:
        """Load pages until the crowd closes."""
        headers = {"Accept-Encoding": "br, gzip"} | ({} if self.keeps_alive else {"Connection": "close"})
        async with httpx.AsyncClient(
            base_url=self.crowd.url,
            headers=headers,
            timeout=REQUEST_TIMEOUT_S,
            trust_env=False,
            verify=False,  # noqa: S501 - the address is http
        ) as client:
            while not self.crowd.closing.is_set():
                await self.load(client)

    async def load(self, client: httpx.AsyncClient) -> None:
        """Load the page once."""
        page = await self.crowd.get(client, "/", "text/html")
        if page is None:
            return
        if page != self.page:  # a new release: from now on, also ask for chunks of the page before it
            self.page, self.lazy_before, self.lazy = page, self.lazy, []
            self.crowd.pages.add(hashlib.sha256(page).hexdigest()[:8])
        for path in REFERENCES.findall(page.decode()):
            content = await self.crowd.get(client, path, TYPES.get(path[path.rfind(".") :], ""))
            if content and path.startswith("/assets/") and path.endswith(".js"):
                chunks = (f"/assets/{name}" for name in LAZY_CHUNKS.findall(content.decode()))
                self.lazy += [chunk for chunk in chunks if chunk not in self.lazy]
        for path in (*self.lazy[:2], *self.lazy_before[:2]):
            await self.crowd.get(client, path, TYPES[path[path.rfind(".") :]])


class Visitors:
    """A crowd of `count` visitors at an address.

    `requests` counts what they asked for, `failures` describes each request that failed, `pages` holds a hash of each
    different page. Every second visitor keeps its connection; the others open one for each request. No request is
    tried twice. `network` is the path of a network namespace to join, `report=True` prints a summary at the end.
    """

    def __init__(self, url: str, count: int = 8, network: str = "", *, report: bool = True) -> None:
        self.url, self.count, self.network, self.report = url, count, network, report
        self.requests = 0
        self.failures: list[str] = []
        self.pages: set[str] = set()
        self.closing = Event()
        self._failed_at: list[float] = []
        self._contents: dict[str, str] = {}
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        if self.network:
            join_network(self.network)
        asyncio.run(self._stay_all())

    async def _stay_all(self) -> None:
        visitors = [Visitor(self, keeps_alive=bool(number % 2)) for number in range(self.count)]
        await asyncio.gather(*(visitor.stay() for visitor in visitors))

    async def get(self, client: httpx.AsyncClient, path: str, content_type: str) -> bytes | None:
        """Send one request. Returns None when it failed. An asset must have the same content every time."""
        self.requests += 1
        start = time.monotonic()
        try:
            response = await client.get(path)
        except httpx.HTTPError as error:
            self._record(start, f"{path}: {type(error).__name__} {error}")
            await asyncio.to_thread(self.closing.wait, 0.01)  # nothing listens: do not ask thousands of times
            return None
        digest = hashlib.sha256(response.content).hexdigest()
        received_type = response.headers.get("content-type", "")
        if response.status_code != httpx.codes.OK or not received_type.startswith(content_type):
            self._record(start, f"{path}: {response.status_code} {received_type}")
            return None
        if path.startswith("/assets/") and self._contents.setdefault(path, digest) != digest:
            self._record(start, f"{path}: other bytes than before")
        return response.content

    def _record(self, start: float, text: str) -> None:
        self._failed_at.append(start)
        self.failures.append(f"{start:.2f} {text}")

    def missed_for(self) -> float:
        """Seconds from the first request that failed to the last one."""
        return self._failed_at[-1] - self._failed_at[0] if self._failed_at else 0.0

    def until(self, requests: int) -> None:
        """Wait until the visitors have sent this many more requests."""
        total = self.requests + requests
        wait_until(lambda: Probe(self.requests >= total), limit=COUNT_TIMEOUT_S)

    def __enter__(self) -> Self:
        self._thread.start()
        self.until(50)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.until(50)
        self.closing.set()
        self._thread.join(COUNT_TIMEOUT_S)
        if self.report:
            print(f"{self.requests} requests, {len(self.failures)} failed, {len(self.pages)} different pages")
            print("\n".join(self.failures[:SHOWN_FAILURES]))
