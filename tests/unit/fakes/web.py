"""The network of a unit test."""

from __future__ import annotations

from collections.abc import Callable

import httpx


class Web:
    """The network: it gets every request of httpx. A test sets `answer`; until then nothing listens."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.answer: Callable[[httpx.Request], httpx.Response] = self.silence

    @staticmethod
    def silence(request: httpx.Request) -> httpx.Response:
        """Refuse the connection, as an address where nothing listens."""
        raise httpx.ConnectError("[Errno 111] Connection refused", request=request)

    def serve(self, status: int = 200) -> None:
        """Answer every request with this status."""
        self.answer = lambda _request: httpx.Response(status)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Keep the address of a request, and answer it."""
        self.requests.append(str(request.url))
        return self.answer(request)
