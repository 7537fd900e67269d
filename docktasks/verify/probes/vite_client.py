"""Vite's dev server as a page talks to it: the modules it serves, and the socket over which it says what changed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from docktasks.verify.registry import Skip

MODULES = 200
"""How many modules of a page are read at the most."""
LIMIT = 5.0
"""Seconds for the socket to say what changed."""

NoSocket = (WebSocketException, OSError)
"""What a socket that is refused, or breaks, raises; a TimeoutError is an OSError."""

_IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*["'](/[^"'?]+(?:\?[^"']*)?)["']""")
_EDITED = re.compile(r"\?t=\d+$")
_SCRIPT = re.compile(r"""<script[^>]*\bsrc="(/[^"]+)""")


class Vite:
    """The dev server at `url`; `base` is the path that all of its addresses begin with."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Node closes a connection that was idle for 5 s, maybe just when the next request goes out on it: none is kept.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.client = httpx.Client(base_url=url, timeout=10, trust_env=False, follow_redirects=True, limits=limits)

    @cached_property
    def page(self) -> str:
        """The page, as Vite serves it."""
        return self.client.get("/").text

    @cached_property
    def base(self) -> str:
        """What stands before /@vite/client in the page."""
        found = re.search(r'src="(/(?:[^"]*/)?)@vite/client"', self.page)
        return found[1] if found else "/"

    @cached_property
    def token(self) -> str:
        """What a page of this server's own, and no other, can know; empty where Vite is too old to have one."""
        found = re.search(r'wsToken = "([^"]+)"', self.client.get(f"{self.base}@vite/client").text)
        return found[1] if found else ""

    def socket(self, origin: str | None = None, token: str = "") -> ClientConnection:
        """A connection to the socket, as a page of `origin`, or as what is no page. Raises NoSocket."""
        # Without a token there is no query either: a Vite that knows none takes the bare path alone.
        query = f"?token={token}" if token else ""
        return connect(
            f"{self.url.replace('http', 'ws', 1)}{self.base}{query}",
            origin=Origin(origin) if origin else None,
            subprotocols=[Subprotocol("vite-hmr")],
            open_timeout=2,
            close_timeout=1,
            proxy=None,
        )

    def module(self, path: str) -> str:
        """A module, as a page gets it that imports it."""
        return self.client.get(path, headers={"Accept": "*/*"}).text

    def modules(self) -> Iterator[str]:
        """Addresses of the app's own modules that the page imports, without what Vite adds to them after an edit."""
        waiting = [path for path in _SCRIPT.findall(self.page) if "/@" not in path]
        seen: set[str] = set()
        while waiting and len(seen) < MODULES:
            path = _EDITED.sub("", waiting.pop(0))
            if path in seen or "/node_modules/" in path or "/@" in path:
                continue
            seen.add(path)
            yield path
            waiting += _IMPORTED.findall(self.module(path))

    def with_styles(self, paths: list[str]) -> Iterator[str]:
        """These modules, and the styles that a component among them has as modules of their own."""
        for path in paths:
            text = self.module(path)
            yield text
            yield from (self.module(style) for style in _IMPORTED.findall(text) if "type=style" in style)


def style_of(found: Vite, app_dir: Path) -> tuple[str, Path]:
    """A file of the app with a style that the page imports: where it is served, and where it is."""
    kinds = (".css", ".scss", ".less", ".vue")
    served = {path: app_dir / path.removeprefix(found.base).lstrip("/") for path in found.modules()}
    ours = [(path, file) for path, file in served.items() if file.suffix in kinds and file.is_file()]
    if not ours:
        raise Skip("the page imports no style of the app's own, which any Vite app would take without a reload")
    return min(ours, key=lambda each: kinds.index(each[1].suffix))


def told_of(
    found: Vite, path: str, name: str, stack: contextlib.ExitStack, edit: contextlib.AbstractContextManager[None]
) -> Iterator[str]:
    """What is wrong with how the socket tells of an edit, and with what is then served."""
    try:
        socket = stack.enter_context(found.socket(found.url, found.token))
    except NoSocket as error:
        yield f"a page gets no socket: {error}"
        return
    stack.enter_context(edit)
    try:
        updates = changes(socket)
    except NoSocket as error:
        yield f"{path}: the socket says nothing of an edit ({error or 'timed out'})"
        return
    if not updates:
        yield f"{path}: after an edit the socket asks for a reload of the whole page"
        return
    at = {update["acceptedPath"]: update["timestamp"] for update in updates} | {path: updates[0]["timestamp"]}
    new = [f"{where}{'&' if '?' in where else '?'}t={when}" for where, when in at.items()]
    if not any(name in text for text in found.with_styles(new)):
        yield f"{path}: the socket tells of an edit, but {new[0]} is as before"


def changes(socket: ClientConnection) -> list[dict[str, Any]]:
    """What the socket says of the next edit: updates of modules, or none when it wants the page reloaded.

    Raises NoSocket when it says nothing in time.
    """
    deadline = time.monotonic() + LIMIT
    while True:
        message = json.loads(socket.recv(timeout=max(deadline - time.monotonic(), 0)))
        if message.get("type") == "update":
            updates: list[dict[str, Any]] = message["updates"]
            return updates
        if message.get("type") == "full-reload":
            return []


def invoke(socket: ClientConnection, address: str) -> str:
    """What the server answers when the socket is asked for a module, as its own runners ask."""
    data = {"id": "send:1", "name": "fetchModule", "data": [address]}
    socket.send(json.dumps({"type": "custom", "event": "vite:invoke", "data": data}))
    deadline = time.monotonic() + 2
    while True:
        message = str(socket.recv(timeout=max(deadline - time.monotonic(), 0)))
        if '"vite:invoke"' in message:
            return message


@contextlib.contextmanager
def edited(file: Path, text: str) -> Iterator[None]:
    """A file with a text at its end; afterwards it is as it was, to the byte and the time, whatever happens.

    Where somebody else saves it meanwhile, theirs stays, without the text.
    """
    before, times, added = file.read_bytes(), file.stat(), text.encode()
    try:
        with file.open("ab") as target:
            target.write(added)
        yield
    finally:
        now = file.read_bytes()
        if now == before + added:
            os.truncate(file, len(before))
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        elif added in now:
            file.write_bytes(now.replace(added, b""))
