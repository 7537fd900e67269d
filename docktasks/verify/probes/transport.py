"""The network of httpx, with one deadline for a whole request."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpcore
import httpx

REQUEST = 10.0
"""Seconds that one request may take from its first byte to the answer's last, however they drip."""
WORKERS = 6
"""Requests at a time. More are no faster: Python is what they wait for."""


class Transport(httpx.HTTPTransport):
    """The network of httpx, where a request has one deadline: httpx's own timeouts begin anew with every byte."""

    _bound = threading.local()

    def __init__(self, *, secure: bool) -> None:
        # Loading the certificate authorities costs 50 ms, needless without TLS; SSL_CERT_FILE may name others.
        context = httpx.create_ssl_context(verify=secure)
        super().__init__(verify=context)
        # httpx has no parameter for the network backend of the pool it makes.
        self._pool = httpcore.ConnectionPool(
            context, max_connections=2 * WORKERS, max_keepalive_connections=2 * WORKERS, keepalive_expiry=5,
            network_backend=_Network(),
        )  # fmt: skip

    @classmethod
    def bound(cls, deadline: float) -> None:
        """Give this thread's next requests until then."""
        cls._bound.deadline = deadline

    @classmethod
    def late(cls) -> bool:
        """True after the deadline."""
        return time.monotonic() > float(cls._bound.deadline)

    @classmethod
    def left(cls, error: type[Exception]) -> float:
        """Seconds until the deadline. Raises the error when there are none."""
        seconds = float(cls._bound.deadline) - time.monotonic()
        if seconds <= 0:
            raise error(f"no whole answer within {REQUEST:.0f} s")
        return seconds


class _Network(httpcore.NetworkBackend):
    """Connects; each step has what is left of the request's time, not what httpx gives it."""

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **given: Any) -> _Stream:
        timeout = Transport.left(httpcore.ConnectTimeout)
        return _Stream(httpcore.SyncBackend().connect_tcp(host, port, timeout, *args, **given))


class _Stream(httpcore.NetworkStream):
    """A connection of it."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self.close, self.get_extra_info = inner.close, inner.get_extra_info  # type: ignore[method-assign]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        return self._inner.read(max_bytes, Transport.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._inner.write(buffer, Transport.left(httpcore.WriteTimeout))

    def start_tls(self, *args: Any, **given: Any) -> _Stream:
        given["timeout"] = Transport.left(httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(*args, **given))
