"""Send bytes that no HTTP client would send, and read the response until its end, for a few seconds at most."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from dataclasses import dataclass

from docktasks.verify.probes.connection import READ_BYTES, open_socket

EXCHANGE_TIMEOUT_S = 5.0
SETTLE_S = 0.2
"""How long a second response may take, when a server keeps the connection open after the first."""
MAX_RESPONSE_BYTES = 1 << 20
"""How much of a response is read. A longer one, such as a large script, is judged by its beginning."""


@dataclass(frozen=True)
class RawResponse:
    """The bytes that came back; `is_whole` is True if a response ended, or the connection (`is_closed`), in time.

    `fault` says why there are none.
    """

    data: bytes = b""
    is_whole: bool = True
    is_closed: bool = True
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
    deadline, data, is_whole = time.monotonic() + limit_s, bytearray(), False
    with open_socket(origin, limit_s) as connection, contextlib.suppress(TimeoutError):
        # A server that refuses a request may close before it has read everything; its response has come already.
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            connection.sendall(request)
        while len(data) < MAX_RESPONSE_BYTES and (chunk := _receive(connection, deadline)):
            data += chunk
            if not is_whole and _is_whole(bytes(data), is_head=request.startswith(b"HEAD ")):
                is_whole, deadline = True, min(deadline, time.monotonic() + SETTLE_S)
        return RawResponse(bytes(data))
    return RawResponse(bytes(data), is_whole, is_closed=False)


def _receive(connection: socket.socket, deadline: float) -> bytes:
    """What arrives next; empty at the end of the connection. Raises TimeoutError."""
    connection.settimeout(max(deadline - time.monotonic(), 0.001))
    try:
        return connection.recv(READ_BYTES)
    except (ConnectionError, ssl.SSLError):
        return b""


def _is_whole(data: bytes, *, is_head: bool) -> bool:
    """True if the response ends here, or is not HTTP. One of unknown length ends with the connection."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return not head.startswith(b"HTTP/"[: len(head)])
    if is_head or re.match(rb"HTTP/\d\.\d [23]04 ", head):
        return True
    length = re.search(rb"\r\ncontent-length: *(\d{1,12})", head, re.IGNORECASE)
    return len(body) >= int(length[1]) if length else body.endswith(b"\r\n0\r\n\r\n")
