"""The network of a unit test."""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message
from io import BytesIO
from typing import Any
from urllib.error import URLError
from urllib.request import Request
from urllib.response import addinfourl

import httpx


class Web:
    """The network: it gets every request of httpx and of urllib. A test sets `answer`; until then nothing listens."""

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

    def open(self, _connection: object, request: Request, **_options: Any) -> addinfourl:
        """Answer a request of urllib, in place of AbstractHTTPHandler.do_open()."""
        try:
            answer = self(httpx.Request(request.get_method(), request.full_url))
        except httpx.HTTPError as error:
            raise URLError(OSError(str(error))) from error
        headers = Message()
        for name, value in answer.headers.multi_items():
            headers[name] = value
        response = addinfourl(BytesIO(answer.read()), headers, request.full_url, answer.status_code)
        response.msg = answer.reason_phrase  # type: ignore[attr-defined]
        return response
