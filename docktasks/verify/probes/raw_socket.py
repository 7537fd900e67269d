"""Sends bytes that no HTTP client would, and reads what comes back, for a few seconds at the most."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

WAIT = 5.0
"""Seconds for one exchange at the most."""
MOST = 1 << 20
"""Bytes that are read of an answer."""


@dataclass(frozen=True)
class Raw:
    """What came back: nothing at all where the connection was closed; `ended` when it was closed in time."""

    data: bytes
    ended: bool = True

    @property
    def status(self) -> int:
        """The status of the first answer, 0 where there is none (HTTP/0.9 has no status)."""
        found = re.match(rb"HTTP/\d\.\d (\d{3})", self.data)
        return int(found[1]) if found else 0

    @property
    def head(self) -> str:
        """The status line and headers of the first answer."""
        return self.data.partition(b"\r\n\r\n")[0].decode("latin-1") if self.status else ""

    @property
    def body(self) -> bytes:
        """What comes after them."""
        return self.data.partition(b"\r\n\r\n")[2] if self.status else self.data

    @property
    def answers(self) -> int:
        """How many answers came: a request that hides another gets two."""
        return len(re.findall(rb"(?:^|\n|>|\})HTTP/\d\.\d \d{3} ", self.data))


def exchange(origin: str, request: bytes, seconds: float) -> Raw:
    """Send a request on a connection of its own, and read until it closes, or so long. Raises httpx.ConnectError."""
    parts = urlsplit(origin)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    ends = time.monotonic() + min(WAIT, seconds)
    data = bytearray()
    try:
        with contextlib.ExitStack() as stack:
            caller = stack.enter_context(socket.create_connection((host, port), timeout=min(WAIT, seconds)))
            if parts.scheme == "https":
                caller = stack.enter_context(httpx.create_ssl_context().wrap_socket(caller, server_hostname=host))
            # A server that has read enough closes: what it said before is its answer.
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                caller.sendall(request)
            while len(data) < MOST:
                caller.settimeout(max(ends - time.monotonic(), 0.001))
                piece = caller.recv(1 << 16)
                if not piece:
                    return Raw(bytes(data))
                data += piece
    except TimeoutError:
        return Raw(bytes(data), ended=False)
    except ConnectionResetError:
        return Raw(bytes(data))
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error
    return Raw(bytes(data), ended=False)
