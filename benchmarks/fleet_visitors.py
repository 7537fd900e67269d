"""Visitors: each loads the page from one address and its files from other ones, and counts what it gets.

python fleet_visitors.py COUNT ADDRESS...    until its stdin ends; then it prints the counts as JSON
"""

from __future__ import annotations

import json
import random
import re
import sys
import threading
from collections import Counter
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

FILE = re.compile(rb"[\w-]+-[\w-]{8}-r\d+\.(?:js|css)")
TIMEOUT_S = 10
LOADS_PER_CONNECTION = 20


class Visitor(threading.Thread):
    """Loads pages. It keeps its connections for some loads, or closes each one after its request."""

    def __init__(self, addresses: list[str], ended: threading.Event, *, keep_alive: bool) -> None:
        super().__init__(daemon=True)
        self._addresses, self._ended, self._keep_alive = addresses, ended, keep_alive
        self._connections: dict[str, HTTPConnection] = {}
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        """Load the page and all its files until the end."""
        loads = 0
        while not self._ended.is_set():
            asked = random.choice(self._addresses)  # noqa: S311 - no secret
            page = self._get("/", "page", asked)
            entries = {*FILE.findall(page)}
            chunks = {name for entry in entries for name in FILE.findall(self._chunk(entry, asked))}
            for name in chunks - entries:
                self._chunk(name, asked)
            self.counts["loads"] += bool(chunks)
            loads += 1
            if loads % LOADS_PER_CONNECTION == 0:
                self._close()

    def _chunk(self, name: bytes, page_address: str) -> bytes:
        """Ask another address than the page's for one of its files."""
        others = [address for address in self._addresses if address != page_address] or self._addresses
        return self._get(f"/assets/{name.decode()}", "chunk", random.choice(others))  # noqa: S311 - no secret

    def _get(self, path: str, kind: str, address: str) -> bytes:
        """Ask an address for a path. A request is lost without a complete answer, or with an error's."""
        connection = self._connections.pop(address, None) or HTTPConnection(address, timeout=TIMEOUT_S)
        self.counts["requests"] += 1
        try:
            connection.request("GET", path, headers={} if self._keep_alive else {"Connection": "close"})
            response = connection.getresponse()
            body = response.read()
        except (HTTPException, OSError) as error:
            self.counts["lost"] += 1
            self.counts[f"{type(error).__name__} from {address}"] += 1
            connection.close()
            return b""
        if self._keep_alive:
            self._connections[address] = connection
        if response.status != HTTPStatus.OK:
            self.counts["missing" if response.status == HTTPStatus.NOT_FOUND and kind == "chunk" else "lost"] += 1
            self.counts[f"{response.status} for a {kind} from {address}"] += 1
            return b""
        return body

    def _close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


def main(count: int, addresses: list[str]) -> None:
    """Let visitors come until stdin ends."""
    ended = threading.Event()
    visitors = [Visitor(addresses, ended, keep_alive=bool(index % 2)) for index in range(count)]
    for visitor in visitors:
        visitor.start()
    sys.stdin.read()
    ended.set()
    for visitor in visitors:
        visitor.join(TIMEOUT_S)
    total: Counter[str] = Counter({"requests": 0, "lost": 0, "missing": 0, "loads": 0})
    for visitor in visitors:
        total.update(visitor.counts)
    print(json.dumps(total))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
