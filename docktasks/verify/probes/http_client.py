"""An HTTP client for one origin: every answer is bounded in size and time, and several requests run at a time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import httpx

from docktasks.verify.probes.content_encoding import Decoder
from docktasks.verify.probes.references import NO_REFERENCES, References

REQUEST_TIMEOUT_S = 10.0
"""Limit for a body, and for each wait between two bytes: a body that drips ends after twice this time.

Headers that drip have no limit but their size, which httpx bounds at 100 kB.
"""
TOTAL_TIMEOUT_S = 300.0
"""Limit for all requests of a client together."""
MAX_CONNECTIONS = 6
"""Requests at a time. More are no faster, because Python is the bottleneck."""
MAX_BODY_BYTES = 512 << 20
"""Limit for one body, encoded as well as decoded."""
MAX_CHUNK_BYTES = 64 << 20
"""Limit for what one chunk of a body decodes to. It is all that a compression bomb takes of the memory."""
MAX_KEPT_BYTES = 4 << 20
"""How much of a body is kept. Bodies of any size are hashed."""
EDGE_BYTES = 16
"""How much of the beginning and of the end of a body is kept, to compare ranges with."""

Headers = tuple[tuple[str, str], ...]


class Request(NamedTuple):
    """A request: an absolute path, and the headers in addition to those that every request has."""

    path: str
    method: str = "GET"
    headers: Headers = ()


@dataclass(frozen=True)
class Response:
    """A response. Its body has `encoded_size` bytes on the wire and `size` bytes decoded; `digest` is its SHA-256.

    `edges` are its first and last bytes, `body` is the decoded body if it was to be kept, and `references` are the
    paths of the site that it names. `fault` says what is wrong with the body, or why there is no response (status 0).
    """

    path: str
    status: int = 0
    headers: Headers = ()
    encoded_size: int = 0
    size: int = 0
    digest: bytes = b""
    edges: tuple[bytes, bytes] = (b"", b"")
    body: bytes = b""
    references: References = NO_REFERENCES
    fault: str = ""

    def get(self, name: str) -> str:
        """The values of a header, joined by commas; empty without the header."""
        return ", ".join(self.get_list(name))

    def get_list(self, name: str) -> list[str]:
        """The values of a header, one for each line."""
        return [value for key, value in self.headers if key == name]

    @property
    def media_type(self) -> str:
        """The media type without its parameters, in small letters."""
        return self.get("content-type").partition(";")[0].strip().lower()

    @property
    def is_ok(self) -> bool:
        """True for a 200 with a complete body."""
        return self.status == httpx.codes.OK and not self.fault

    @property
    def summary(self) -> str:
        """The status, the target of a redirect, and the fault: a piece of evidence."""
        location = f" to {self.get('location')}" if self.get_list("location") else ""
        return f"{self.status or 'no answer'}{location}{f' ({self.fault})' if self.fault else ''}"


class Client:
    """Sends requests to one origin, without an Accept-Encoding of its own. It follows no redirect."""

    def __init__(self, origin: str, find_references: Callable[[str, str, str], References]) -> None:
        self.origin, self._find_references = origin, find_references
        # Plain HTTP needs no certificate authorities, and loading them takes 50 ms.
        context = httpx.create_ssl_context(verify=origin.startswith("https:"))
        # The transport of httpx without its client, which would keep cookies.
        self.transport: httpx.BaseTransport = httpx.HTTPTransport(verify=context)
        self._deadline = 0.0

    def send(self, request: Request, *, keep: bool = False) -> Response:
        """Send one request; `keep` keeps the body. Raises httpx.HTTPError if there is no response in time."""
        try:
            return self._exchange(request, keep=keep)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # A server may close an idle connection in the moment when it is used again. The second try opens another.
            return self._exchange(request, keep=keep)

    def send_all(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Send many requests, several at a time. The responses keep their order; a missing one has a fault."""
        pool = ThreadPoolExecutor(MAX_CONNECTIONS)
        try:
            yield from pool.map(self._send_or_fault, requests)
        finally:
            pool.shutdown(cancel_futures=True)

    def remaining_s(self) -> float:
        """Seconds that remain for all requests together. Raises httpx.ReadTimeout when there are none."""
        now = time.monotonic()
        self._deadline = self._deadline or now + TOTAL_TIMEOUT_S
        if now >= self._deadline:
            raise httpx.ReadTimeout(f"all requests together took more than {TOTAL_TIMEOUT_S:.0f} s")
        return self._deadline - now

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def _send_or_fault(self, request: Request) -> Response:
        try:
            return self.send(request)
        except httpx.HTTPError as error:
            self.remaining_s()
            return Response(request.path, fault=f"does not answer: {str(error) or type(error).__name__}")

    def _exchange(self, request: Request, *, keep: bool) -> Response:
        limit_s = min(REQUEST_TIMEOUT_S, self.remaining_s())
        deadline = time.monotonic() + limit_s
        reply = self.transport.handle_request(self._as_httpx(request, limit_s))
        try:
            return self._read(request, reply, deadline, keep=keep)
        finally:
            reply.close()

    def _as_httpx(self, request: Request, limit_s: float) -> httpx.Request:
        headers = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "hello-dock verify"}
        headers |= {name.lower(): value for name, value in request.headers}
        # As bytes, because the ETag of a server may hold any.
        lines = [(name.encode(), value.encode(errors="surrogateescape")) for name, value in headers.items()]
        timeout = {"timeout": httpx.Timeout(limit_s).as_dict()}
        try:
            return httpx.Request(request.method, self.origin + request.path, headers=lines, extensions=timeout)
        except httpx.InvalidURL as error:  # a page may name anything
            raise httpx.RequestError(str(error)) from error

    def _read(self, request: Request, reply: httpx.Response, deadline: float, *, keep: bool) -> Response:
        headers = tuple((name.lower(), value) for name, value in reply.headers.multi_items())
        response = Response(request.path, reply.status_code, headers)
        is_text = response.is_ok and response.media_type.endswith(("html", "css", "javascript"))
        is_partial = response.status == httpx.codes.PARTIAL_CONTENT  # a part of an encoded body cannot be decoded
        body = _Body("" if is_partial else response.get("content-encoding"), MAX_KEPT_BYTES if keep or is_text else 0)
        fault = body.read(cast("httpx.SyncByteStream", reply.stream), deadline)
        references = NO_REFERENCES
        if is_text and not fault:
            references = self._find_references(request.path, response.media_type, body.kept.decode(errors="replace"))
        return replace(
            response, encoded_size=body.encoded_size, size=body.size, digest=body.digest.digest(), edges=body.edges,
            body=bytes(body.kept) if keep else b"", references=references, fault=fault,
        )  # fmt: skip


class _Body:
    """A body that is counted, decoded and hashed while it arrives."""

    def __init__(self, encoding: str, max_kept: int) -> None:
        self.encoded_size, self.size, self.edges = 0, 0, (b"", b"")
        self.digest, self.kept = hashlib.sha256(), bytearray()
        self._decoder, self._max_kept = Decoder(encoding), max_kept

    def read(self, chunks: Iterable[bytes], deadline: float) -> str:
        """Read all of it. Returns what is wrong with it. Raises httpx.ReadTimeout after the deadline."""
        try:
            for chunk in chunks:
                self._count(chunk)
                self._add(self._decoder.decode(chunk, min(MAX_CHUNK_BYTES, MAX_BODY_BYTES - self.size)))
                if max(self.size, self.encoded_size) > MAX_BODY_BYTES:
                    return f"sends more than {MAX_BODY_BYTES:,} bytes"
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout(f"no whole answer within {REQUEST_TIMEOUT_S:.0f} s")
            if self.encoded_size:
                self._decoder.close()
        except ValueError as error:
            return str(error)
        return ""

    def _count(self, chunk: bytes) -> None:
        first, last = self.edges  # not decoded, because a range is a part of what is sent
        self.edges = (first + chunk[:EDGE_BYTES])[:EDGE_BYTES], (last + chunk[-EDGE_BYTES:])[-EDGE_BYTES:]
        self.encoded_size += len(chunk)

    def _add(self, content: bytes) -> None:
        self.size += len(content)
        self.digest.update(content)
        self.kept += content[: self._max_kept - len(self.kept)]
