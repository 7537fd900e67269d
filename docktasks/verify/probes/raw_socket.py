"""Send bytes that no HTTP client would send, and read the response for a few seconds."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

EXCHANGE_TIMEOUT_S = 5.0
MAX_RESPONSE_BYTES = 1 << 20


@dataclass(frozen=True)
class RawResponse:
    """The bytes that came back; `is_closed` is True if the server closed the connection in time."""

    data: bytes
    is_closed: bool = True

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
    def body(self) -> bytes:
        """Everything after the headers."""
        return self.data.partition(b"\r\n\r\n")[2] if self.status else self.data

    @property
    def response_count(self) -> int:
        """How many responses came. Two mean that the request hid another one."""
        return len(re.findall(rb"(?:^|\n|>|\})HTTP/\d\.\d \d{3} ", self.data))


def exchange(origin: str, request: bytes, limit_s: float) -> RawResponse:
    """Send a request on a new connection, and read until its end or the time limit. Raises httpx.ConnectError."""
    limit_s = min(EXCHANGE_TIMEOUT_S, limit_s)
    deadline, data = time.monotonic() + limit_s, bytearray()
    try:
        with _connection(origin, limit_s) as connection:
            # A server that refuses a request may close before it has read everything; its response has come already.
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                connection.sendall(request)
            while len(data) < MAX_RESPONSE_BYTES:
                connection.settimeout(max(deadline - time.monotonic(), 0.001))
                chunk = connection.recv(1 << 16)
                if not chunk:
                    return RawResponse(bytes(data))
                data += chunk
    except ConnectionResetError:
        return RawResponse(bytes(data))
    except TimeoutError:
        pass
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error
    return RawResponse(bytes(data), is_closed=False)


def _connection(origin: str, limit_s: float) -> socket.socket:
    parts = urlsplit(origin)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    connection = socket.create_connection((host, port), timeout=limit_s)
    if parts.scheme != "https":
        return connection
    return httpx.create_ssl_context().wrap_socket(connection, server_hostname=host)
