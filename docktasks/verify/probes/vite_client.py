"""A client of Vite's dev server: the page, its modules, and the socket that announces hot updates."""

from __future__ import annotations

import contextlib
import json
import re
import ssl
import time
from collections.abc import Iterator
from functools import cached_property
from socket import create_connection
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import httpx

from docktasks.errors import reason_of

if TYPE_CHECKING:  # loaded for the first socket
    from websockets.sync.client import ClientConnection

MAX_MODULES = 200
"""How many modules of a page are read."""
REQUEST_TIMEOUT_S = 10.0
UPDATE_TIMEOUT_S = 5.0
"""How long the socket may take to announce an edit."""
FETCH_TIMEOUT_S = 2.0
QUIET_S = 2.5
"""How long the socket has to be silent while nobody edits."""
MAX_LOOKS = 3
ASKS_PAGES = {"update": "an update", "full-reload": "a reload"}
"""Types of messages by which Vite asks the open pages for something."""
_IMPORT = re.compile(
    r"""(?:from|import|Worker\()\s*(?:\(|new URL\()?\s*(?:/\*.*?\*/\s*)?["'](/[^"'?]+(?:\?[^"']*)?)["']"""
)
_ERROR = re.compile(r'\{"message":("(?:[^"\\]|\\.)*")')
"""The message in the page that Vite answers with in place of a module that it cannot serve."""
_KEPT = re.compile(r"immutable|max-age=0*[1-9]")
"""Matches the Cache-Control of what a browser does not ask for again."""
_PACKAGE = re.compile(r"/node_modules/|[?&]v=")  # browsers keep what Vite has bundled
_TIMESTAMP = re.compile(r"\?t=\d+$")
SCRIPT = re.compile(r"""<script[^>]*\bsrc=["']?([^"'\s>]+)""")
_ANY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Accepts every certificate: the server is on this machine, and its own plugin may have signed it."""
_ANY.check_hostname = False
_ANY.verify_mode = ssl.CERT_NONE


def socket_errors() -> tuple[type[Exception], ...]:
    """Return what a socket raises that is refused, breaks, or stays silent: a TimeoutError is an OSError."""
    from websockets.exceptions import WebSocketException

    return (WebSocketException, OSError)


class ViteClient(httpx.Client):
    """A client of the dev server at `url`."""

    def __init__(self, url: str) -> None:
        # Node closes a connection after 5 idle seconds, maybe while a request is sent on it. So none is kept.
        limits = httpx.Limits(max_keepalive_connections=0)
        super().__init__(
            base_url=url, timeout=REQUEST_TIMEOUT_S, trust_env=False, follow_redirects=True, limits=limits, verify=_ANY
        )
        self.url = url
        self.errors: dict[str, int] = {}
        self.kept: dict[str, str] = {}

    @cached_property
    def page(self) -> str:
        """The page, as Vite serves it."""
        return self.get("/").text

    @cached_property
    def base(self) -> str:
        """Vite's base path: what stands in front of @vite/client in the page."""
        match = re.search(r"""["'](/(?:[^"']*/)?)@vite/client["']""", self.page)
        return match[1] if match else "/"

    @cached_property
    def token(self) -> str:
        """The socket's token, which only a page of this server can read. Empty for a Vite older than the token."""
        match = re.search(r'wsToken = "([^"]+)"', self.get(f"{self.base}@vite/client").text)
        return match[1] if match else ""

    def socket(self, origin: str | None = None, token: str = "") -> ClientConnection:
        """Connect to the socket, like a page of `origin`, or like a program without one. Raises socket_errors()."""
        from websockets.sync.client import connect
        from websockets.typing import Origin, Subprotocol

        query = f"?token={token}" if token else ""  # an older Vite accepts only the bare path
        return connect(
            f"{self.url.replace('http', 'ws', 1)}{self.base}{query}",
            origin=Origin(origin) if origin else None,
            subprotocols=[Subprotocol("vite-hmr")],
            open_timeout=2,
            close_timeout=1,
            proxy=None,
            ssl=_ANY if self.url.startswith("https:") else None,
        )

    def has_certificate_for(self, host: str) -> bool:
        """Return True when a browser that trusts the certificate of this https server takes it for `host`."""
        address = urlsplit(self.url)
        listener = (address.hostname or "", address.port or 443)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # trusted itself, not only its authority
        context.load_verify_locations(cadata=ssl.get_server_certificate(listener))
        try:
            with create_connection(listener, FETCH_TIMEOUT_S) as raw, context.wrap_socket(raw, server_hostname=host):
                return True
        except ssl.SSLCertVerificationError:
            return False

    def module(self, path: str) -> str:
        """The text of a module, as a page that imports it gets it."""
        return self.get(path, headers={"Accept": "*/*"}).text

    def reason(self, address: str) -> str:
        """What Vite says about a module that it cannot serve, in a line; an empty text where it says nothing."""
        error = _ERROR.search(self.module(address))
        return "".join(str(json.loads(error[1])).strip().splitlines()[:1]) if error else ""

    def modules(self) -> Iterator[str]:
        """Paths of the app's own modules that the page imports, at once or later, without the times of edits.

        `errors` has then the statuses of those that Vite cannot serve, and `kept` the Cache-Control of those that a
        browser would keep.
        """
        scripts = (urljoin(self.base, path) for path in SCRIPT.findall(self.page))  # a page may say ./src/main.ts
        queue = [*(path for path in scripts if re.match("/(?!/)", path)), *_IMPORT.findall(self.page)]
        generated = {path for path in queue if "/@fs/" in path}  # by SvelteKit, in a hidden folder
        seen: set[str] = set()
        while queue and len(seen) < MAX_MODULES:
            path = _TIMESTAMP.sub("", queue.pop(0))
            if path in seen or _PACKAGE.search(path) or ("/@" in path and path not in generated):
                continue
            seen.add(path)
            yield path
            response = self.get(path, headers={"Accept": "*/*"})
            if response.is_server_error:
                self.errors[path] = response.status_code
            elif "/." not in path and _KEPT.search(caching := response.headers.get("cache-control", "")):
                self.kept[path] = caching
            queue += _IMPORT.findall(response.text)

    def with_styles(self, paths: list[str]) -> Iterator[str]:
        """The texts of these modules, and of the style modules that a Vue component imports."""
        for path in paths:
            text = self.module(path)
            yield text
            yield from (self.module(style) for style in _IMPORT.findall(text) if "type=style" in style)


def check_hot_update(
    vite: ViteClient, path: str, marker: str, stack: contextlib.ExitStack, edit: contextlib.AbstractContextManager[None]
) -> Iterator[str]:
    """Faults of a hot update. `edit` adds the text `marker` to the module at `path`, and `stack` undoes it later."""
    try:
        socket = stack.enter_context(vite.socket(vite.url, vite.token))
    except socket_errors() as error:
        yield f"a page cannot connect to the socket: {reason_of(error)}"
        return
    if unrest := unprompted(socket):
        yield f"nothing is edited, but {unrest}"
        return
    stack.enter_context(edit)
    try:
        updates = hot_updates(socket)
    except socket_errors() as error:
        yield f"{path}: the socket does not announce an edit ({reason_of(error)})"
        return
    if not updates:
        yield f"{path}: after an edit the socket asks for a reload of the whole page"
        return
    times = {update["acceptedPath"]: update["timestamp"] for update in updates} | {path: updates[0]["timestamp"]}
    addresses = [f"{module}{'&' if '?' in module else '?'}t={time}" for module, time in times.items()]
    if not any(marker in text for text in vite.with_styles(addresses)):
        yield f"{path}: the socket announces an edit, but {addresses[0]} has not changed"


def unprompted(socket: ClientConnection) -> str:
    """Return what the socket does while nobody edits, if it asks pages for something or closes; else an empty text.

    It may still tell the end of an earlier edit, or that Vite has bundled a package again, so one quiet look is enough.
    """
    kinds: list[str] = []
    for _ in range(MAX_LOOKS):
        kinds = []
        try:
            for message in _messages(socket, QUIET_S):
                kinds += [kind for kind in (_kind(message),) if kind in ASKS_PAGES]
        except TimeoutError:
            if not kinds:
                return ""
        except socket_errors() as error:
            return f"the socket closes: {reason_of(error)}"
    return f"the socket asks pages for {ASKS_PAGES[kinds[-1]]} again and again"


def hot_updates(socket: ClientConnection) -> list[dict[str, Any]]:
    """The updates that the socket announces next; none if it wants the page reloaded. Raises socket_errors()."""
    message = next(text for text in _messages(socket, UPDATE_TIMEOUT_S) if _kind(text) in ASKS_PAGES)
    return list(json.loads(message).get("updates", []))


def _kind(message: str) -> str:
    """The type of a message of Vite; empty for one of a plugin that has another form."""
    try:
        return str(json.loads(message)["type"])
    except (ValueError, TypeError, KeyError):
        return ""


def fetch_module(socket: ClientConnection, address: str) -> str:
    """Fetch a module over the socket, as Vite's module runner does. Raises socket_errors()."""
    data = {"id": "send:1", "name": "fetchModule", "data": [address]}
    socket.send(json.dumps({"type": "custom", "event": "vite:invoke", "data": data}))
    return next(message for message in _messages(socket, FETCH_TIMEOUT_S) if '"vite:invoke"' in message)


def _messages(socket: ClientConnection, limit_s: float) -> Iterator[str]:
    """What the socket says. Raises socket_errors(), also after the limit."""
    deadline = time.monotonic() + limit_s
    while True:
        yield str(socket.recv(timeout=max(deadline - time.monotonic(), 0)))
