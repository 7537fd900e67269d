"""One connection to a server. An answer has one deadline, its headers included, whatever the server sends or does not.

An HTTP library limits only the wait between two bytes: a server that sends one byte a second would keep it for hours.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx

from docktasks.errors import reason_of

MAX_HEAD_BYTES = 100_000
READ_BYTES = 1 << 16

Headers = tuple[tuple[str, str], ...]


class Reply(NamedTuple):
    """The head of an answer, and its body as it arrives."""

    status: int
    headers: Headers
    chunks: Iterator[bytes]


@cache
def _tls(certificates: str) -> ssl.SSLContext:
    del certificates  # httpx reads the variable; plain HTTP needs no authorities, and loading them takes 50 ms
    return httpx.create_ssl_context()


def port_of(origin: str) -> int:
    """Return the port of an origin."""
    parts = urlsplit(origin)
    return parts.port or (443 if parts.scheme == "https" else 80)


def open_socket(origin: str, limit_s: float, address: str = "") -> socket.socket:
    """Connect to a server, at one of its addresses if that is named. Raises httpx.ConnectError."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    try:
        tls = _tls(os.environ.get("SSL_CERT_FILE", "")) if parts.scheme == "https" else None
        connection = socket.create_connection((address or host, port_of(origin)), timeout=limit_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:  # this closes the connection if it fails
            connection = tls.wrap_socket(connection, server_hostname=host)
    except OSError as error:
        raise httpx.ConnectError(reason_of(error)) from error
    return connection


@lru_cache(4096)
def _field(line: bytes) -> tuple[str, str]:
    """A header. Thousands of answers have the same ones."""
    match = re.fullmatch(rb"([^\s:]+):[ \t]*([^\0\r\n]*?)[ \t]*", line)
    if not match:
        raise httpx.RemoteProtocolError(f"illegal header: {line[:60]!r}")
    return match[1].decode(errors="replace").lower(), match[2].decode(errors="surrogateescape")


class Connection:
    """Speaks HTTP/1.1 to one origin, and stays open between two requests. Raises httpx.HTTPError."""

    def __init__(self, origin: str, address: str = "") -> None:
        self.origin, self._address = origin, address
        self._socket: socket.socket | None = None
        self._data, self._is_idle = b"", True
        self._deadline = self._limit_s = 0.0

    def ask(self, method: str, target: str, headers: Headers, limit_s: float) -> Reply:
        """Send a request, and read the head of the answer, in time. Its body has as much time again."""
        self._deadline, self._limit_s = time.monotonic() + limit_s, limit_s
        if self._socket is None or not self._is_idle:
            self.close()
            self._socket, self._data = open_socket(self.origin, limit_s, self._address), b""
        self._is_idle = False
        lines = [("host", urlsplit(self.origin).netloc), *headers]
        head = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in lines), "", ""]
        request = "\r\n".join(head).encode(errors="surrogateescape")  # the ETag of a server may hold any byte
        try:
            self._socket.sendall(request)
        except OSError as error:
            raise httpx.WriteError(reason_of(error)) from error
        status, fields = self._head()
        while status < httpx.codes.OK and status != httpx.codes.SWITCHING_PROTOCOLS:
            status, fields = self._head()  # the one before was informational
        self._deadline, self._limit_s = self._deadline + limit_s, 2 * limit_s
        is_empty = method == "HEAD" or status in (httpx.codes.NO_CONTENT, httpx.codes.NOT_MODIFIED)
        return Reply(status, fields, self._body(fields, is_empty=is_empty))

    def close(self) -> None:
        """Close the connection. The next request opens another."""
        if self._socket:
            self._socket.close()
        self._socket = None

    def _head(self) -> tuple[int, Headers]:
        line, *lines = self._until(b"\r\n\r\n", "Server disconnected without sending a response").split(b"\r\n")
        match = re.match(rb"HTTP/1\.[01] ([1-9]\d\d)(?: |$)", line)
        if not match:
            raise httpx.RemoteProtocolError(f"illegal status line: {line[:60]!r}")
        return int(match[1]), tuple(map(_field, lines))

    def _body(self, headers: Headers, *, is_empty: bool) -> Iterator[bytes]:
        fields = dict(headers)
        lengths = dict.fromkeys(value for name, value in headers if name == "content-length")
        length = "" if is_empty else " and ".join(lengths)
        ends = bool(is_empty or length or "transfer-encoding" in fields)
        try:
            if "transfer-encoding" in fields and not is_empty:
                while size := int(self._until(b"\r\n").partition(b";")[0], 16):
                    yield from self._exactly(size)
                    self._until(b"\r\n")
                while self._until(b"\r\n"):
                    pass  # a trailer
            elif ends:
                yield from self._exactly(int(length or 0))
        except ValueError as error:
            text = str(error).rpartition(": ")[2]
            raise httpx.RemoteProtocolError(f"illegal length of an answer: {text}") from error
        while not ends and (self._data or self._receive()):
            yield self._data
            self._data = b""
        self._is_idle = ends and "close" not in fields.get("connection", "").lower()
        if not self._is_idle:
            self.close()

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size > 0:
            if not self._data and not self._receive():
                raise httpx.RemoteProtocolError(f"the connection ends {size:,} bytes before the end of the answer")
            part, self._data = self._data[:size], self._data[size:]
            size -= len(part)
            yield part

    def _until(self, end: bytes, fault: str = "the connection ends within the answer") -> bytes:
        while (index := self._data.find(end)) < 0:
            if len(self._data) > MAX_HEAD_BYTES:
                raise httpx.RemoteProtocolError(f"headers of more than {MAX_HEAD_BYTES:,} bytes")
            if not self._receive():
                raise httpx.RemoteProtocolError(fault)
        before, self._data = self._data[:index], self._data[index + len(end) :]
        return before

    def _receive(self) -> bool:
        """Wait for more data. Returns False at the end of the connection."""
        remaining_s = self._deadline - time.monotonic()
        try:
            if self._socket is None:
                return False
            self._socket.settimeout(max(remaining_s, 0.001))
            data = self._socket.recv(READ_BYTES)
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no whole answer within {self._limit_s:g} s") from error
        except OSError as error:
            raise httpx.ReadError(reason_of(error)) from error
        self._data += data
        return bool(data)
