"""Visitors: clients that load the page over and over while releases change, and what they miss."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING

import httpx

from docktasks.waiting import Probe, wait_until
from tests.engine import own_engine

if TYPE_CHECKING:
    from typing_extensions import Self

NAMED = re.compile(r"""(?:src|href)=["'](/[^"'#?]+)["']""")
LAZY = re.compile(r"""["'`](?:\.{0,2}/)?(?:assets/)?([\w-]+-[\w-]{8}\.(?:js|css))["'`]""")
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Visitor:
    """One browser, roughly: it loads the page and all that it names, and later a chunk that an older page named."""

    def __init__(self, crowd: Visitors, *, keeps_alive: bool) -> None:
        self.crowd, self.keeps_alive = crowd, keeps_alive
        self.page = b""
        self.lazy: list[str] = []
        self.lazy_before: list[str] = []

    async def stay(self) -> None:
        """Load pages until the crowd goes."""
        headers = {"Accept-Encoding": "br, gzip"} | ({} if self.keeps_alive else {"Connection": "close"})
        async with httpx.AsyncClient(
            base_url=self.crowd.url,
            headers=headers,
            timeout=10,
            trust_env=False,
            verify=False,  # noqa: S501 - http
        ) as client:
            while not self.crowd.closing.is_set():
                await self.load(client)

    async def load(self, client: httpx.AsyncClient) -> None:
        """Load the page once."""
        page = await self.crowd.get(client, "/", "text/html")
        if page is None:
            return
        if page != self.page:  # another release: what the page before named is asked for from now on
            self.page, self.lazy_before, self.lazy = page, self.lazy, []
            self.crowd.pages.add(hashlib.sha256(page).hexdigest()[:8])
        for path in NAMED.findall(page.decode()):
            found = await self.crowd.get(client, path, TYPES.get(path[path.rfind(".") :], ""))
            if found and path.startswith("/assets/") and path.endswith(".js"):
                named = (f"/assets/{name}" for name in LAZY.findall(found.decode()))
                self.lazy += [name for name in named if name not in self.lazy]
        for path in (*self.lazy[:2], *self.lazy_before[:2]):
            await self.crowd.get(client, path, TYPES[path[path.rfind(".") :]])


class Visitors:
    """A crowd at an address: `requests` made, `failures` in words, and the different `pages` that were seen.

    Every second one keeps its connection, the others open a new one for each request. Nothing is tried twice.
    """

    def __init__(self, url: str, count: int = 8, network: str = "", *, tells: bool = True) -> None:
        self.url, self.count, self.network, self.tells = url, count, network, tells
        self.requests = 0
        self.failures: list[str] = []
        self._missed: list[float] = []
        self.pages: set[str] = set()
        self.lazy_loads = 0
        self.closing = Event()
        self._seen: dict[str, str] = {}
        self._thread = Thread(target=self._come)

    def _come(self) -> None:
        if self.network:
            own_engine.join(self.network)
        asyncio.run(self._all())

    async def _all(self) -> None:
        visitors = [Visitor(self, keeps_alive=bool(number % 2)) for number in range(self.count)]
        await asyncio.gather(*(visitor.stay() for visitor in visitors))

    async def get(self, client: httpx.AsyncClient, path: str, kind: str) -> bytes | None:
        """One request; None when it failed. What is named by its content has to have that content."""
        self.requests += 1
        at = time.monotonic()
        try:
            answer = await client.get(path)
        except httpx.HTTPError as error:
            self._miss(at, f"{path}: {type(error).__name__} {error}")
            await asyncio.to_thread(self.closing.wait, 0.01)  # nobody there: no need to ask thousands of times
            return None
        content = hashlib.sha256(answer.content).hexdigest()
        if answer.status_code != httpx.codes.OK or not answer.headers.get("content-type", "").startswith(kind):
            self._miss(at, f"{path}: {answer.status_code} {answer.headers.get('content-type')}")
            return None
        if path.startswith("/assets/") and self._seen.setdefault(path, content) != content:
            self._miss(at, f"{path}: other bytes than before")
        return answer.content

    def _miss(self, at: float, what: str) -> None:
        self._missed.append(at)
        self.failures.append(f"{at:.2f} {what}")

    def missed_for(self) -> float:
        """Seconds from the first request that failed to the last."""
        return self._missed[-1] - self._missed[0] if self._missed else 0.0

    def until(self, requests: int) -> None:
        """Wait until they have made so many more requests."""
        goal = self.requests + requests
        wait_until(lambda: Probe(self.requests >= goal), limit=60)

    def __enter__(self) -> Self:
        self._thread.start()
        self.until(50)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.until(50)
        self.closing.set()
        self._thread.join(60)
        if self.tells:
            print(f"{self.requests} requests, {len(self.failures)} failed, {len(self.pages)} different pages")
            print("\n".join(self.failures[:30]))
