"""A server in front of a registry, with which a test lets it fail in the middle of a push."""

from __future__ import annotations

import http.client
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.local_registry import LocalRegistry

HOP = {"connection", "transfer-encoding", "keep-alive"}
NEVER = r"(?!)"
TOKEN = b'{"token": "one", "expires_in": 60}'
EXPIRED = b'{"errors": [{"code": "UNAUTHORIZED", "message": "token has expired"}]}'


class RegistryProxy:
    """Passes on what it is asked, until a request such as `PUT /v2/…` matches `dies_at`: then it never answers again.

    With `has_tokens` it gives and wants a token, as large registries do. From a request that matches `expires_at` on,
    the token and the login have expired.
    """

    def __init__(self, registry: LocalRegistry, *, has_tokens: bool = False) -> None:
        self.registry, self.has_tokens = registry, has_tokens
        self.dies_at = self.expires_at = NEVER
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"proxy": self}))
        self.server.daemon_threads = True

    @property
    def address(self) -> str:
        """Its address, with which names of images begin."""
        return f"127.0.0.1:{self.server.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one client of a proxy."""

    protocol_version = "HTTP/1.1"
    proxy: RegistryProxy

    def answer(self) -> None:
        """Answer as the registry, as the server of its tokens, or not at all."""
        proxy, body, request = self.proxy, self._body(), f"{self.command} {self.path}"
        if re.match(proxy.dies_at, request):
            proxy.dies_at = ""
            self.close_connection = True
            return
        if re.match(proxy.expires_at, request):
            proxy.expires_at = ""
        has_expired = not proxy.expires_at
        if self.path.startswith("/token"):
            self._send(401 if has_expired else 200, {}, EXPIRED if has_expired else TOKEN)
        elif proxy.has_tokens and (has_expired or self.headers["Authorization"] != "Bearer one"):
            realm = f'Bearer realm="http://{proxy.address}/token",service="tests",scope="repository:app:push"'
            self._send(401, {"WWW-Authenticate": realm}, EXPIRED)
        else:
            self._pass_on(body)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 - the names that http.server calls

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _pass_on(self, body: bytes) -> None:
        upstream = http.client.HTTPConnection(self.proxy.registry.host, self.proxy.registry.port, timeout=30)
        headers = {name: ", ".join(self.headers.get_all(name, [])) for name in self.headers if name.lower() not in HOP}
        upstream.request(self.command, self.path, body or None, headers | {"Content-Length": str(len(body))})
        response = upstream.getresponse()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in HOP}
        self._send(response.status, kept, response.read())
        upstream.close()

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def running_proxy(registry: LocalRegistry, *, has_tokens: bool = False) -> Iterator[RegistryProxy]:
    """Run a proxy in front of a registry."""
    proxy = RegistryProxy(registry, has_tokens=has_tokens)
    thread = threading.Thread(target=proxy.server.serve_forever)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.server.shutdown()
        thread.join()
        proxy.server.server_close()
