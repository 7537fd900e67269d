"""One connection to a server. An answer has one deadline, its headers included, whatever the server sends or does not.

httpx limits only the wait between two bytes: a server that sends one byte a second would keep it for hours.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from typing import NamedTuple
from urllib.parse import urlsplit

import h11
import httpx

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
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    try:
        with ExitStack() as stack:
            connection = socket.create_connection((address or host, port_of(origin)), timeout=limit_s)
            stack.callback(connection.close)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if is_tls:
                connection = _tls(os.environ.get("SSL_CERT_FILE", "")).wrap_socket(connection, server_hostname=host)
            stack.pop_all()
            return connection
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error


class Connection:
    """Speaks HTTP/1.1 to one origin, and stays open between two requests. Raises httpx.HTTPError."""

    def __init__(self, origin: str, address: str = "") -> None:
        self.origin, self._address = origin, address
        self._socket: socket.socket | None = None
        self._http = h11.Connection(h11.CLIENT)
        self._deadline = self._limit_s = 0.0

    def ask(self, method: str, target: str, headers: Headers, limit_s: float) -> Reply:
        """Send a request, and read the head of the answer, in time. Its body has as much time again."""
        self._deadline, self._limit_s = time.monotonic() + limit_s, limit_s
        if self._socket is None or self._http.our_state is not h11.IDLE:
            self.close()
            self._socket = open_socket(self.origin, limit_s, self._address)
            self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        # As bytes, because the ETag of a server may hold any.
        lines = [("host", urlsplit(self.origin).netloc), *headers]
        encoded = [(name.encode(), value.encode(errors="surrogateescape")) for name, value in lines]
        try:
            self._send(h11.Request(method=method, target=target, headers=encoded))
            self._send(h11.EndOfMessage())
            while not isinstance(event := self._event(), h11.Response):
                pass  # an informational response
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        self._deadline, self._limit_s = self._deadline + limit_s, 2 * limit_s
        fields = tuple((name.decode(), value.decode(errors="surrogateescape")) for name, value in event.headers)
        return Reply(event.status_code, fields, self._body())

    def close(self) -> None:
        """Close the connection. The next request opens another."""
        if self._socket:
            self._socket.close()
        self._socket = None

    def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        try:
            if data and self._socket:
                self._socket.sendall(data)
        except OSError as error:
            raise httpx.WriteError(str(error)) from error

    def _body(self) -> Iterator[bytes]:
        while not isinstance(event := self._event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                yield bytes(event.data)
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()

    def _event(self) -> h11.Event | type[h11.PAUSED]:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                data = self._receive()
                if not data and self._http.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("Server disconnected without sending a response")
                self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        return event  # type: ignore[return-value]

    def _receive(self) -> bytes:
        remaining_s = self._deadline - time.monotonic()
        try:
            if self._socket is None:
                return b""
            self._socket.settimeout(max(remaining_s, 0.0))
            return self._socket.recv(READ_BYTES)
        except (TimeoutError, BlockingIOError) as error:
            raise httpx.ReadTimeout(f"no whole answer within {self._limit_s:g} s") from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
