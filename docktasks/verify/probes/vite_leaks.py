"""Ask a Vite dev server for files that it must not serve, and look for their content in the response.

The list of addresses is short on purpose: Vite's known holes are judged by its version (dev.vite-version). Here a
configuration is found that serves any file. Only the body tells, because Vite answers unknown paths with the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

import httpx

from docktasks.verify.probes.vite_client import ViteClient, fetch_module

QUERIES = ("", "?raw", "?raw??", "?import&raw", "?url")
"""With these Vite serves a file as it is, or as a string in a module: https://vite.dev/guide/assets."""


@dataclass(frozen=True)
class Canary:
    """A file that must not be served: its `path` in the container, its content, and its `address` in the app if any."""

    path: str
    content: str
    address: str = ""

    def is_in(self, body: str) -> bool:
        """True if a body has the first line of the content, as it is or escaped for an address."""
        return self.content.splitlines()[0] in unquote(body)

    def targets(self) -> Iterator[str]:
        """The addresses to ask for: the straight ones with every query, and a few other spellings."""
        straight = [f"/@fs{self.path}", *([self.address] if self.address else [])]
        yield from (f"{path}{query}" for path in straight for query in QUERIES)
        spellings = [f"//@fs{self.path}", f"/@fs{quote(self.path, safe='')}", f"/{'%2e%2e/' * 9}{self.path[1:]}"]
        for path in [*spellings, *(f"{path}{end}" for path in straight for end in ("/", "%2f", "%00"))]:
            yield from (path, f"{path}?raw")


def leaks_by_request(vite: ViteClient, canary: Canary) -> Iterator[str]:
    """The addresses that give the file away. Raises TimeoutError if the server does not answer one of them."""
    for target in canary.targets():
        path = f"{vite.base.rstrip('/')}{target}"
        try:
            response = vite.client.get(f"{vite.url}{path}", headers={"Sec-Fetch-Dest": "script"})
        except httpx.TimeoutException as error:
            raise TimeoutError(f"the dev server did not answer {path}") from error
        except httpx.HTTPError:  # the server closed the connection
            continue
        if canary.is_in(response.text):
            yield f"{path}: it gives {canary.path} away"


def leaks_by_socket(vite: ViteClient, canary: Canary) -> Iterator[str]:
    """The modules, fetched over the hot-reload socket, that give the file away. Raises SOCKET_ERRORS."""
    with vite.socket(token=vite.token) as socket:
        for address in (f"file://{canary.path}", f"/@fs{canary.path}", canary.path):
            if canary.is_in(fetch_module(socket, f"{address}?raw")):
                yield f"the socket's fetchModule of {address}?raw gives {canary.path} away"
