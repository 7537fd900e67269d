"""Ask a Vite dev server for files that it must not serve, and look for their content in the response.

Vite's known holes are judged by its version (dev.vite-version). Here a configuration, a link or a middleware of the app
is found that serves a file from outside. Only the body tells, because Vite answers unknown paths with the page.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

import httpx

from docktasks.verify.probes.vite_client import ViteClient, fetch_module

QUERIES = ("", "?raw", "?raw??", "?import&raw", "?url")
"""With these Vite serves a file as it is, or as a string in a module: https://vite.dev/guide/assets."""

BODY_TIME_S, MAX_BODY_BYTES = 2.0, 1_000_000
ACCOUNTS = "/etc/passwd"
"""A file that each system has."""
UPWARD = 9
"""How many folders one goes up, which is enough for each."""


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
        spellings = [f"//@fs{self.path}", f"/@fs{quote(self.path, safe='')}", f"/{'%2e%2e/' * UPWARD}{self.path[1:]}"]
        for path in [*spellings, *(f"{path}{end}" for path in straight for end in ("/", "%2f", "%00"))]:
            yield from (path, f"{path}?raw")

    def straight(self) -> Iterator[str]:
        """The straight addresses only. That of a link in the app may begin below any folder, such as public/."""
        names = self.address.split("/")
        paths = [f"/@fs{self.path}", *(f"/{'/'.join(names[index:])}" for index in range(1, len(names)))]
        yield from (f"{path}{query}" for path in paths for query in QUERIES[:2])

    def below(self, mounts: Sequence[str], parameters: Sequence[str]) -> Iterator[str]:
        """The addresses at which a middleware may serve it: below a path, or by a parameter. A path may be a folder."""
        folders = [folder.rstrip("/") for folder in mounts if self.path.startswith(f"{folder.rstrip('/')}/")]
        for mount in (mount.rstrip("/") for mount in mounts):
            yield from (f"{mount}{self.path.removeprefix(folder)}" for folder in folders)
            if self.path == ACCOUNTS:
                yield from (f"{mount}/{up * UPWARD}{self.path[1:]}" for up in ("", "../", "%2e%2e/", "..%2f"))
                yield from (f"{mount}?{name}={self.path}" for name in parameters)


def leaks_by_request(vite: ViteClient, canary: Canary, targets: Iterable[str]) -> Iterator[str]:
    """The addresses that give the file away. Raises TimeoutError if the server does not answer one of them."""
    for target in targets:
        path = f"{vite.base.rstrip('/')}{target}"
        try:
            body = _body(vite, path)
        except httpx.TimeoutException as error:
            raise TimeoutError(f"the dev server did not answer {path}") from error
        except (httpx.HTTPError, httpx.InvalidURL):  # the server closed the connection; a name of a file is no address
            continue
        if canary.is_in(body):
            yield f"{path}: it gives {canary.path} away"


def _body(vite: ViteClient, path: str) -> str:
    """The beginning of a body. A middleware may send one without end."""
    end, body = time.monotonic() + BODY_TIME_S, b""
    with vite.stream("GET", f"{vite.url}{path}", headers={"Sec-Fetch-Dest": "script"}) as response:
        for part in response.iter_bytes():
            body += part
            if time.monotonic() > end or len(body) > MAX_BODY_BYTES:
                break
    return body.decode(errors="replace")


def leaks_by_socket(vite: ViteClient, canary: Canary) -> Iterator[str]:
    """The modules, fetched over the hot-reload socket, that give the file away. Raises socket_errors()."""
    with vite.socket(token=vite.token) as socket:
        for address in (f"file://{canary.path}", f"/@fs{canary.path}", canary.path):
            if canary.is_in(fetch_module(socket, f"{address}?raw")):
                yield f"the socket's fetchModule of {address}?raw gives {canary.path} away"
