"""Send bytes that no HTTP client would send, and read the response until its end, for a few seconds at most."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from dataclasses import dataclass

import h11

from docktasks.verify.probes.connection import MAX_HEAD_BYTES, READ_BYTES, open_socket

EXCHANGE_TIMEOUT_S = 5.0
SETTLE_S = 0.2
"""How long a second response may take, when a server keeps the connection open after the first."""
MAX_RESPONSE_BYTES = 1 << 20


@dataclass(frozen=True)
class RawResponse:
    """The bytes that came back; `is_whole` is True if a response ended, or the connection, in time.

    `fault` says why there are none.
    """

    data: bytes = b""
    is_whole: bool = True
    fault: str = ""

    @property
    def status(self) -> int:
        """The status of the first response; 0 without a status line."""
        match = re.match(rb"HTTP/\d\.\d (\d{3})", self.data)
        return int(match[1]) if match else 0

    @property
    def head(self) -> str:
        """The status line and the headers of the first response."""
        return self.data.partition(b"\r\n\r\n")[0].decode("latin-1") if self.status else ""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers of the first response: names in small letters, and values."""
        lines = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return tuple((name.strip().lower(), value.strip()) for name, _, value in lines)

    @property
    def body(self) -> bytes:
        """Everything after the headers."""
        return self.data.partition(b"\r\n\r\n")[2] if self.status else self.data

    @property
    def response_count(self) -> int:
        """How many responses came. Two mean that the request hid another one."""
        return len(re.findall(rb"(?:^|\n|>|\})HTTP/\d\.\d \d{3} ", self.data))


def exchange(origin: str, request: bytes, limit_s: float) -> RawResponse:
    """Send a request on a new connection, and read the response. Raises httpx.ConnectError."""
    limit_s = min(EXCHANGE_TIMEOUT_S, limit_s)
    deadline, data, parser, is_whole = time.monotonic() + limit_s, bytearray(), _parser(request), False
    with open_socket(origin, limit_s) as connection, contextlib.suppress(TimeoutError):
        # A server that refuses a request may close before it has read everything; its response has come already.
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            connection.sendall(request)
        while len(data) < MAX_RESPONSE_BYTES:
            chunk = _receive(connection, deadline)
            if not chunk:
                return RawResponse(bytes(data))
            data += chunk
            if not is_whole and _ends(parser, chunk):
                is_whole, deadline = True, min(deadline, time.monotonic() + SETTLE_S)
    return RawResponse(bytes(data), is_whole)


def _receive(connection: socket.socket, deadline: float) -> bytes:
    """What arrives next; empty at the end of the connection. Raises TimeoutError."""
    connection.settimeout(max(deadline - time.monotonic(), 0.001))
    try:
        return connection.recv(READ_BYTES)
    except (ConnectionError, ssl.SSLError):
        return b""


def _parser(request: bytes) -> h11.Connection:
    """A parser of the response, which needs to know the method."""
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
    method = "HEAD" if request.startswith(b"HEAD ") else "GET"
    parser.send(h11.Request(method=method, target="/", headers=[("host", "-")]))
    parser.send(h11.EndOfMessage())
    return parser


def _ends(parser: h11.Connection, chunk: bytes) -> bool:
    """True if the response ends here, or is not HTTP."""
    try:
        parser.receive_data(chunk)
        while (event := parser.next_event()) is not h11.NEED_DATA:
            if event is h11.PAUSED or isinstance(event, h11.EndOfMessage):
                return True
    except h11.RemoteProtocolError:
        return True
    return False
