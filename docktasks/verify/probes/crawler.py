"""The site at an address: its shell, every file of it, and probes. Nothing is read twice, whoever asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import RLock
from urllib.parse import quote, urlsplit

from docktasks.verify.probes import raw_socket, references
from docktasks.verify.probes.http_client import Answer, Ask, Client
from docktasks.verify.probes.image_archive import Layer, final
from docktasks.verify.probes.transport import WORKERS

LIMIT = 20_000
"""How many files of a site are followed at the most: a loop of generated names must end."""
TREES = "/srv/site/", "/srv/hashed/site/"
"""Where the image has the site's files, each with its gzip twin beside it."""
HIDDEN = re.compile(r"(?:^|/)\.(?!well-known/)")
"""A path that is never meant to be served."""


class Site:
    """What is served at `url`; `shipped` tells the paths, from there, of files that are known to be in the image."""

    def __init__(self, url: str, shipped: Callable[[], Iterable[str]] = tuple) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        self.home = f"{parts.path}/"
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.client = Client(self.origin, lambda path, *text: references.named(self.origin + path, *text))
        self.exchange = raw_socket.exchange
        self._shipped = shipped
        self._probed: dict[Ask, Answer] = {}
        self._files: dict[str, dict[str, Answer]] = {}
        self._raw: dict[bytes, raw_socket.Raw] = {}
        self._lock = RLock()  # the browser's checks may look at it, too

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """The answer to one request, its body kept. Raises httpx.HTTPError where there is none."""
        ask = Ask(path, method, _lines(headers))
        with self._lock:
            if ask not in self._probed:
                self._probed[ask] = self.client.ask(ask, keep=True)
            return self._probed[ask]

    def each(self, paths: Iterable[str], method: str = "GET", **headers: str) -> Iterator[Answer]:
        """The answers to many, several at a time, without their bodies."""
        return self.client.many(Ask(path, method, _lines(headers)) for path in paths)

    def many(self, asks: Iterable[Ask]) -> Iterator[Answer]:
        """The answers to many that differ, several at a time, without their bodies."""
        return self.client.many(asks)

    def raw(self, *requests: bytes) -> list[raw_socket.Raw]:
        """What is answered to bytes that are sent as they stand, several at a time. Raises httpx.HTTPError."""
        new = [request for request in dict.fromkeys(requests) if request not in self._raw]
        with ThreadPoolExecutor(WORKERS) as pool:
            found = pool.map(lambda request: self.exchange(self.origin, request, self.client.left()), new)
            self._raw |= zip(new, found, strict=True)
        return [self._raw[request] for request in requests]

    @property
    def shell(self) -> Answer:
        """The answer to `/`: index.html."""
        return self.get(self.home)

    @property
    def files(self) -> dict[str, Answer]:
        """Every file that is shipped, or named by the shell, its scripts and its styles: by path, as it is."""
        return self.coded("identity")

    def coded(self, coding: str) -> dict[str, Answer]:
        """The same files as who accepts this coding gets them."""
        with self._lock:
            if coding not in self._files:
                found = self._crawl() if coding == "identity" else self.each(self.files, Accept_Encoding=coding)
                self._files[coding] = {answer.path: answer for answer in found}
            return self._files[coding]

    def address(self, path: str) -> str:
        """The address of a file that is known by its path from the site's root: a name may hold a # or a space."""
        return self.home + quote(path, safe="/!$&'()*+,;=:@")

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _crawl(self) -> Iterator[Answer]:
        seen: set[str] = set()
        waiting = {*self.shell.named, *map(self.address, self._shipped())}
        while waiting and len(seen) < LIMIT:
            batch = sorted(waiting)[: LIMIT - len(seen)]
            seen.update(batch)
            waiting = set()
            for answer in self.each(batch):
                waiting.update(answer.named)
                yield answer
            waiting -= seen


def in_trees(layers: Iterable[Layer]) -> dict[str, int]:
    """The site's files in an image's layers, the base's first: path from the site's root -> size."""
    found = {
        path.removeprefix(tree): file.size
        for path, file in final(layers).items()
        for tree in TREES
        if path.startswith(tree) and file.kind == "file"
    }
    return {path: size for path, size in found.items() if not (path.endswith(".gz") and path[:-3] in found)}


def _lines(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-").lower(), value) for name, value in headers.items())
