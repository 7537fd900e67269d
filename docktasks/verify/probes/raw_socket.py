"""Send bytes that no HTTP client would send, and read the response until its end, for a few seconds at most."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from dataclasses import dataclass

import httpx

from docktasks.verify.probes.connection import READ_BYTES, open_socket
from docktasks.verify.probes.http_client import Response

EXCHANGE_TIMEOUT_S = 5.0
SETTLE_S = 0.2
"""How long a second response may take, when a server keeps the connection open after the first."""
MAX_RESPONSE_BYTES = 1 << 20
"""How much of a response is read. A longer one, such as a large script, is judged by its beginning."""


@dataclass(frozen=True)
class RawResponse(Response):
    """The first response on a connection. Its body is everything after its headers.

    Without a status line the status is 0, and all is body. `head` has the status line and the headers as they came.
    Of a request that hid another one, `count` is 2. `is_closed` is True if the server closed the connection in time.
    """

    head: str = ""
    count: int = 1
    is_closed: bool = True


def parse(data: bytes, *, is_closed: bool = True) -> RawResponse:
    """The bytes that came back as a response."""
    status_line = re.match(rb"HTTP/\d\.\d (\d{3})", data)
    head, _, body = data.partition(b"\r\n\r\n") if status_line else (b"", b"", data)
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    headers = tuple((name.strip().lower(), value.strip()) for name, _, value in lines)
    count = len(re.findall(rb"(?:^|\n|>|\})HTTP/\d\.\d \d{3} ", data))
    status = int(status_line[1]) if status_line else 0
    return RawResponse("", status, headers, body=body, head=head.decode("latin-1"), count=count, is_closed=is_closed)


def exchange(origin: str, request: bytes, limit_s: float) -> RawResponse:
    """Send a request on a new connection, and read the response.

    Raises httpx.ConnectError, and httpx.ReadTimeout if neither the response nor the connection ends in time.
    """
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
        return parse(bytes(data))
    if not is_whole:
        raise httpx.ReadTimeout(f"no end after {len(data):,} bytes")
    return parse(bytes(data), is_closed=False)


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
