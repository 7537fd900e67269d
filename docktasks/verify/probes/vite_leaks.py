"""The ways by which Vite's dev server has given away files, each asked with a file whose content is known.

By the advisories up to CVE-2026-53632: https://github.com/vitejs/vite/security/advisories. Vite answers odd addresses
with 200 and the page: only the body tells.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from docktasks.verify.probes.vite_client import Vite, invoke

LIMIT = 30.0
"""Seconds for all the ways to one file."""
ENOUGH = 10
"""Ways that are named for one file; a server that gives it away may restart for what else is tried."""
LARGEST = 1 << 20
"""Bytes of an answer that are read."""

# What makes Vite hand out a file as a module: its text, its address, or its bytes inline.
QUERIES = (
    "",
    "?raw", "?import&raw", "?raw&url", "?t=1&raw", "?import&direct&raw",
    "?raw??", "?import&raw??", "?import&?raw", "?raw&", "?raw?url",  # CVE-2025-30208
    "?inline", "?import&inline", "?inline&import", "?import&?inline=1.wasm?init",  # CVE-2025-31125
    "?.svg?.wasm?init", "?import&.svg?.wasm?init", "?inline&.svg",  # CVE-2025-31486
    "?url", "?import&url", "?url&inline", "?import&url&inline",  # CVE-2026-39364
    "?worker&inline", "?worker_file", "?html-proxy&index=0.js", "?direct", "?import",
)  # fmt: skip


@dataclass(frozen=True)
class Canary:
    """A file that nobody may get: its `path` in the container, and what it holds.

    `address` is where it would be served, when it is in the app's folder.
    """

    path: str
    content: str
    address: str = ""

    def in_body(self, body: bytes) -> bool:
        """True when an answer has the file's content, as it is, escaped for an address, or in Base64."""
        text = body.decode(errors="replace")
        line = self.content.splitlines()[0]
        # Base64 makes four characters of three bytes: of a whole number of those the beginning is the same.
        coded = base64.b64encode(self.content.encode())[: len(line) // 3 * 4].decode()
        return line in text or line in unquote(text) or coded in text


@contextlib.contextmanager
def secret(app_dir: Path, inside: str) -> Iterator[Canary]:
    """A canary of our own in the app's folder, gone afterwards whatever happens. Raises OSError."""
    name, content = f".env.hello-dock-{secrets.token_hex(4)}", f"CANARY={secrets.token_hex(16)}\n"
    file = app_dir / name
    try:
        with file.open("x") as made:  # never one that is there already
            made.write(content)
        file.chmod(0o644)  # else nothing would be shown by its being refused
        yield Canary(f"{inside}/{name}", content, f"/{name}")
    finally:
        file.unlink(missing_ok=True)


def targets(canary: Canary, app: str) -> Iterator[str]:
    """Every address by which it might be had, as it goes over the wire."""
    up = "/.." * (app.count("/") + 2)
    straight = [f"/@fs{canary.path}", *([canary.address] if canary.address else [])]
    yield from (f"{path}{query}" for path in straight for query in QUERIES)
    for path in straight:
        # CVE-2025-46565 (a slash, a dot), -62522 (a backslash), and what a parser may take for the end.
        for end in ("/", "/.", "/./", "%2f", "%2f.", "\\", "%5c", "%00", "%23", "%3f", "::$DATA", ";", "#", "."):
            yield from (f"{path}{end}", f"{path}{end}?raw")
    crooked = [
        f"/@fs/{canary.path}", f"/@fs//{canary.path}", f"//@fs{canary.path}", f"/%40fs{canary.path}",
        f"/@fs{app}{up}{canary.path}", f"/@fs{app}/#{up}/..{canary.path}", f"/@fs{app}/?{up}/..{canary.path}",
        f"/#{up}{canary.path}", f"/?{up}{canary.path}", f"{up}{canary.path}", f"/src{up}{canary.path}",
        f"/@fs{app}{up.replace('/', '%2f')}{canary.path}", f"/@fs/{up.replace('/', '%2f')}{canary.path}",
        f"{up.replace('/', '%2f')}{canary.path}", f"{up.replace('..', '%2e%2e')}{canary.path}",
        f"{up.replace('/', chr(92))}{canary.path.replace('/', chr(92))}", f"/@fs{canary.path.replace('/', '%2f')}",
        f"/@fs{canary.path.replace('/', chr(92))}", f"/@fs/x/x/x/vite/../../../..{canary.path}",
        f"/@id{canary.path}", f"/@id/{canary.path}", f"/@id/__x00__{canary.path}", f"/@id/file://{canary.path}",
        f"/@id//@fs{canary.path}", f"/__x00__{canary.path}", f"/file://{canary.path}", f"file://{canary.path}",
        f"/node_modules/.vite/deps{up}{canary.path}", f"/node_modules/.vite/deps{up}{canary.path}.map",
    ]  # fmt: skip
    yield from (f"{path}{query}" for path in crooked for query in ("", "?raw", "?import&raw??", "?import&?raw"))


def by_request(vite: Vite, canaries: list[Canary], app: str) -> Iterator[str]:
    """The addresses that give one away. Raises TimeoutError when the server takes too long for them all."""
    place = urlsplit(vite.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=5)
    prefix = vite.base.rstrip("/")
    with contextlib.closing(connection):
        for canary in canaries:
            ways = _ways(
                connection, canary, [prefix + each if each[0] == "/" else each for each in targets(canary, app)]
            )
            for path in islice(ways, ENOUGH):
                yield f"GET {path} gives {canary.path} away"


def _ways(connection: http.client.HTTPConnection, canary: Canary, paths: list[str]) -> Iterator[str]:
    deadline = time.monotonic() + LIMIT
    for path in paths:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the dev server did not answer {len(paths)} addresses within {LIMIT:.0f} s")
        if canary.in_body(_body(connection, path)):
            yield path


def _body(connection: http.client.HTTPConnection, target: str) -> bytes:
    """The answer's body, to a target that goes out as it is; nothing when the server hangs up."""
    try:
        connection.putrequest("GET", target, skip_accept_encoding=True)
        connection.putheader("Accept", "*/*")
        connection.putheader("Sec-Fetch-Dest", "script")  # by which Vite takes it for an import (CVE-2025-31486)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read(LARGEST)
        if not answer.isclosed():
            connection.close()
    except (OSError, http.client.HTTPException):
        connection.close()  # the next request opens it anew
        return b""
    return body


def by_socket(vite: Vite, token: str, canaries: list[Canary]) -> Iterator[str]:
    """The modules asked for over the socket that give one away: CVE-2026-39363. Who sends no Origin is let in.

    Raises NoSocket when there is no socket, which gives away nothing, or it stops to answer.
    """
    with vite.socket(token=token) as socket:
        for canary in canaries:
            for address in (f"file://{canary.path}", f"/@fs{canary.path}", canary.path, f"/@id/{canary.path}"):
                for query in ("?raw", "?inline", "?url&inline", "?raw??", "?import&raw"):
                    if canary.in_body(invoke(socket, address + query).encode()):
                        yield f"the socket's fetchModule of {address}{query} gives {canary.path} away"
