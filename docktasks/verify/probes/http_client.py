"""An HTTP client for one origin: every answer is bounded in size and time, and several requests run at a time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple, TypeVar
from urllib.parse import quote

import httpx

from docktasks.errors import reason_of
from docktasks.verify.probes.connection import Connection, Headers, Reply
from docktasks.verify.probes.content_encoding import Decoder
from docktasks.verify.probes.references import NO_REFERENCES, References, find_references

REQUEST_TIMEOUT_S = 5.0
"""Limit for the head of an answer. Its body has as much time again."""
TOTAL_TIMEOUT_S = 120.0
"""Limit for all requests of a client together."""
MAX_SILENT = 4
"""How many requests of one kind may get no answer in time. Then the others of this kind are not asked."""
MAX_SILENT_IN_ALL = 24
MAX_CONNECTIONS = 6
"""Requests at a time. More are no faster, because Python is the bottleneck."""
MAX_BODY_BYTES = 512 << 20
"""Limit for one body, encoded as well as decoded."""
HARMLESS_5XX = 501, 505  # "not implemented", "version not supported"
MAX_CHUNK_BYTES = 64 << 20
"""Limit for what one chunk of a body decodes to. It is all that a compression bomb takes of the memory."""
MAX_KEPT_BYTES = 4 << 20
"""How much of a body is kept at most. Bodies of any size are hashed."""
EDGE_BYTES = 16
"""How much of the beginning and of the end of a body is kept, to compare ranges with."""
USER_AGENT = "Mozilla/5.0 (compatible; hello-dock verify)"
SAFE_IN_A_PATH = "!$%&'()*+,-./:;=?@[\\]_|~"
"""What a browser sends as it is."""

S = TypeVar("S")
T = TypeVar("T")


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
        return ", ".join([value for key, value in self.headers if key == name])

    def get_list(self, name: str) -> list[str]:
        """The values of a header, one for each line."""
        return [value for key, value in self.headers if key == name]

    @cached_property  # asked for a dozen times
    def media_type(self) -> str:
        """The media type without its parameters, in small letters."""
        return self.get("content-type").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The kept body as a text."""
        return self.body.decode(errors="replace")

    @property
    def is_ok(self) -> bool:
        """True for a 200 with a complete body."""
        return self.status == httpx.codes.OK and not self.fault

    @property
    def is_failure(self) -> bool:
        """True for an error of the server (5xx), and for its limit on requests (429)."""
        is_limit = self.status == httpx.codes.TOO_MANY_REQUESTS
        return is_limit or (self.status >= httpx.codes.INTERNAL_SERVER_ERROR and self.status not in HARMLESS_5XX)

    @property
    def summary(self) -> str:
        """The status, the target of a redirect, and the fault: a piece of evidence."""
        location = f" to {self.get('location')}" if self.get_list("location") else ""
        return f"{self.status or 'no answer'}{location}{f' ({self.fault})' if self.fault else ''}"


class Client:
    """Sends requests to one origin, without an Accept-Encoding of its own. It follows no redirect.

    `repeats` is how many requests without an answer in time are sent again, because a machine may be busy for a moment.
    """

    def __init__(self, origin: str) -> None:
        self.origin, self.repeats = origin, 0
        self.connect: Callable[[], Connection] = lambda: Connection(origin)
        self._idle: list[Connection] = []
        self._deadline, self._silent = 0.0, 0
        self._pool = ThreadPoolExecutor(MAX_CONNECTIONS)  # for all groups of checks together

    def send(self, request: Request, *, keep: int = 0, read: bool = False) -> Response:
        """Send one request. Raises httpx.HTTPError if there is no response in time.

        `keep` is how much of the body is kept; `read` finds what a page, a script or a style sheet names.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self.connect()
        try:
            try:
                response = self._exchange(connection, request, keep=keep, read=read)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                # A server may close an idle connection when it is used again. The second try opens another.
                connection.close()
                response = self._exchange(connection, request, keep=keep, read=read)
            except httpx.TimeoutException:
                if self.repeats <= 0:
                    raise
                self.repeats -= 1
                connection.close()
                response = self._exchange(connection, request, keep=keep, read=read)
        except httpx.HTTPError:
            connection.close()
            raise
        self._idle.append(connection)
        return response

    def send_all(self, requests: Iterable[Request], *, keep: int = 0, read: bool = False) -> list[Response]:
        """Send many requests of one kind. A missing response has a fault."""
        return self.each(
            requests, partial(self.send, keep=keep, read=read), lambda request, fault: Response(request[0], fault=fault)
        )

    def each(self, requests: Iterable[S], ask: Callable[[S], T], missing: Callable[[S, str], T]) -> list[T]:
        """Ask many of one kind, several at a time, but no more after a few that get no answer in time."""
        silent: list[S] = []

        def send(request: S) -> T:
            if len(silent) >= MAX_SILENT:
                return missing(request, f"not asked, because {MAX_SILENT} requests like it got no answer")
            try:
                return ask(request)
            except httpx.TimeoutException as error:
                silent.append(request)
                self._silent += 1
                return missing(request, str(error))
            except httpx.HTTPError as error:
                return missing(request, reason_of(error))

        return list(self._pool.map(send, requests))

    def remaining_s(self) -> float:
        """Seconds that remain for all requests together. Raises httpx.ReadTimeout when there are none."""
        now = time.monotonic()
        self._deadline = self._deadline or now + TOTAL_TIMEOUT_S
        if now >= self._deadline:
            raise httpx.ReadTimeout(f"not seen within {TOTAL_TIMEOUT_S:g} s")
        if self._silent >= MAX_SILENT_IN_ALL:
            raise httpx.ReadTimeout(f"not asked, because {MAX_SILENT_IN_ALL} requests got no answer")
        return self._deadline - now

    def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown()
        while self._idle:
            self._idle.pop().close()

    def _exchange(self, connection: Connection, request: Request, *, keep: int, read: bool) -> Response:
        limit_s = min(REQUEST_TIMEOUT_S, self.remaining_s())
        headers = {"accept": "*/*", "accept-encoding": "identity", "user-agent": USER_AGENT}
        headers |= {name.lower(): value for name, value in request.headers}
        target = quote(request.path, safe=SAFE_IN_A_PATH)
        reply = connection.ask(request.method, target, tuple(headers.items()), limit_s)
        response = self._read(request, reply, keep=keep, read=read)
        if response.fault:
            connection.close()  # the rest of the body is still to come
        return response

    def _read(self, request: Request, reply: Reply, *, keep: int, read: bool) -> Response:
        response = Response(request.path, reply.status, reply.headers)
        is_text = (
            read and response.is_ok and response.media_type.endswith(("html", "css", "javascript", "manifest+json"))
        )
        is_partial = response.status == httpx.codes.PARTIAL_CONTENT  # a part of an encoded body cannot be decoded
        body = _Body("" if is_partial else response.get("content-encoding"), MAX_KEPT_BYTES if is_text else keep)
        fault = body.read(reply.chunks)
        references = NO_REFERENCES
        if is_text and not fault:
            text = body.kept.decode(errors="replace")
            references = find_references(self.origin + request.path, response.media_type, text, response.get("link"))
        return replace(
            response, encoded_size=body.encoded_size, size=body.size, digest=body.digest.digest(), edges=body.edges,
            body=bytes(body.kept[:keep]), references=references, fault=fault,
        )  # fmt: skip


class _Body:
    """A body that is counted, decoded and hashed while it arrives."""

    def __init__(self, encoding: str, max_kept: int) -> None:
        self.encoded_size, self.size, self.edges = 0, 0, (b"", b"")
        self.digest, self.kept = hashlib.sha256(), bytearray()
        self._decoder, self._max_kept = Decoder(encoding), max_kept

    def read(self, chunks: Iterator[bytes]) -> str:
        """Read all of it. Returns what is wrong with it."""
        try:
            for chunk in chunks:
                first, last = self.edges  # not decoded, because a range is a part of what is sent
                self.edges = (first + chunk[:EDGE_BYTES])[:EDGE_BYTES], (last + chunk[-EDGE_BYTES:])[-EDGE_BYTES:]
                self.encoded_size += len(chunk)
                content = self._decoder.decode(chunk, min(MAX_CHUNK_BYTES, MAX_BODY_BYTES - self.size))
                self.size += len(content)
                self.digest.update(content)
                self.kept += content[: self._max_kept - len(self.kept)]
                if max(self.size, self.encoded_size) > MAX_BODY_BYTES:
                    return f"sends more than {MAX_BODY_BYTES:,} bytes"
            if self.encoded_size:
                self._decoder.close()
        except ValueError as error:
            return str(error)
        return ""
