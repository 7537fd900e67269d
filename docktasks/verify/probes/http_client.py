"""Asks one address: bounded in time and memory whatever answers, and from several threads at once."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import httpx

from docktasks.verify.probes import content_encoding
from docktasks.verify.probes.transport import REQUEST, WORKERS, Transport

ALTOGETHER = 300.0
"""Seconds that all requests may take together: where each takes its time, verify ends all the same."""
LARGEST = 512 << 20
"""Bytes of one body, as sent or decoded, that are read at the most."""
KEPT = 4 << 20
"""Bytes up to which a body is kept while it is searched for names; every body is hashed, whatever its size."""
ENDS = 16
"""Bytes at either end of a body that are kept, for ranges to be compared with."""

Lines = tuple[tuple[str, str], ...]


class Ask(NamedTuple):
    """One request: an absolute path, and headers beside those that every request has."""

    path: str
    method: str = "GET"
    headers: Lines = ()


@dataclass(frozen=True)
class Answer:
    """What one request was answered: of the body `wire` bytes as sent, `size` decoded, and their SHA-256.

    `body` is the decoded one where it is kept; `fault` says what is wrong with it, or why there is none (status 0).
    """

    path: str
    status: int = 0
    lines: Lines = ()
    wire: int = 0
    size: int = 0
    digest: bytes = b""
    ends: tuple[bytes, bytes] = (b"", b"")
    body: bytes = b""
    named: tuple[str, ...] = ()
    fault: str = ""

    def get(self, name: str) -> str:
        """The value of a header, its lines joined; empty where it is missing."""
        return ", ".join(self.all(name))

    def all(self, name: str) -> list[str]:
        """The values of a header, one a line."""
        return [value for key, value in self.lines if key == name]

    @property
    def type(self) -> str:
        """The media type, without its parameters."""
        return self.get("content-type").partition(";")[0].strip().lower()

    @property
    def found(self) -> bool:
        """True for a whole 200."""
        return self.status == httpx.codes.OK and not self.fault

    @property
    def said(self) -> str:
        """The status, and where a redirect leads, or what went wrong, for an evidence."""
        where = f" to {self.get('location')}" if self.all("location") else ""
        return f"{self.status or 'no answer'}{where}{f' ({self.fault})' if self.fault else ''}"


class Client:
    """Asks one origin; sends no Accept-Encoding but the one a probe gives, and follows no redirect.

    `names` tells from an answer's path, type and text which other paths of the site it names.
    """

    def __init__(self, origin: str, names: Callable[[str, str, str], Iterable[str]]) -> None:
        self.origin, self._names = origin, names
        self.transport: httpx.BaseTransport = Transport(secure=origin.startswith("https:"))
        self._ends = 0.0

    def ask(self, ask: Ask, *, keep: bool = False) -> Answer:
        """One answer, its body kept if asked for. Raises httpx.HTTPError where there is none in time."""
        Transport.bound(time.monotonic() + min(REQUEST, self.left()))
        try:
            return self._once(ask, keep=keep)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # A server may close an idle connection at the moment that it is used again: on a new one, then.
            return self._once(ask, keep=keep)

    def many(self, asks: Iterable[Ask]) -> Iterator[Answer]:
        """The answers in the order of the questions, several at a time; one without an answer has a fault."""
        pool = ThreadPoolExecutor(WORKERS)
        try:
            yield from pool.map(self._settled, asks)
        finally:
            pool.shutdown(cancel_futures=True)

    def left(self) -> float:
        """Seconds that are left for all requests together. Raises httpx.ReadTimeout when there are none."""
        now = time.monotonic()
        self._ends = self._ends or now + ALTOGETHER
        if now >= self._ends:
            raise httpx.ReadTimeout(f"all requests together took more than {ALTOGETHER:.0f} s")
        return self._ends - now

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def _settled(self, ask: Ask) -> Answer:
        try:
            return self.ask(ask)
        except httpx.HTTPError as error:
            self.left()
            return Answer(ask.path, fault=f"does not answer: {str(error) or type(error).__name__}")

    def _once(self, ask: Ask, *, keep: bool) -> Answer:
        given = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "hello-dock verify"}
        given |= {name.lower(): value for name, value in ask.headers}
        try:
            # As bytes, for a server's ETag may hold any.
            lines = [(name.encode(), value.encode(errors="surrogateescape")) for name, value in given.items()]
            request = httpx.Request(ask.method, self.origin + ask.path, headers=lines)
        except httpx.InvalidURL as error:  # a page may name anything
            raise httpx.RequestError(str(error)) from error
        response = self.transport.handle_request(request)
        try:
            return self._read(ask, response, keep=keep)
        finally:
            response.close()

    def _read(self, ask: Ask, response: httpx.Response, *, keep: bool) -> Answer:
        # The same lines stand on thousands of answers: each is kept once.
        lines = tuple((sys.intern(name.lower()), sys.intern(value)) for name, value in response.headers.multi_items())
        answer = Answer(ask.path, response.status_code, lines)
        parsed = answer.found and answer.type.endswith(("html", "css", "javascript"))
        part = answer.status == httpx.codes.PARTIAL_CONTENT  # of an encoded body cannot be decoded
        body = Body(content_encoding.decoder("" if part else answer.get("content-encoding")), keep=keep or parsed)
        for piece in response.stream if isinstance(response.stream, httpx.SyncByteStream) else ():
            if body.take(piece):
                break
        body.end()
        named: Iterable[str] = ()
        if parsed and not body.fault:
            named = self._names(ask.path, answer.type, bytes(body.kept).decode(errors="replace"))
        return Answer(
            ask.path, answer.status, lines, body.wire, body.size, body.digest.digest(), body.ends,
            bytes(body.kept) if keep else b"", tuple(named), body.fault,
        )  # fmt: skip


class Body:
    """A body as it arrives: counted, decoded and hashed."""

    def __init__(self, decoder: content_encoding.Decoder, *, keep: bool) -> None:
        self.wire, self.size, self.fault = 0, 0, ""
        self.digest, self.kept = hashlib.sha256(), bytearray()
        self.ends = b"", b""
        self._decoder, self._keep = decoder, keep

    def take(self, piece: bytes) -> bool:
        """Take what arrived; True when it has been too much, or cannot be decoded."""
        first, last = self.ends
        self.ends = (first + piece)[:ENDS] if self.wire < ENDS else first, (last + piece[-ENDS:])[-ENDS:]
        self.wire += len(piece)
        try:
            return self._decode(self._decoder.feed(piece))
        except ValueError as error:
            self.fault = str(error)
        return True

    def end(self) -> None:
        """Take it that nothing more comes."""
        if not self.fault and self.wire:
            try:
                self._decode(self._decoder.end())
            except ValueError as error:
                self.fault = str(error)

    def _decode(self, pieces: Iterable[bytes]) -> bool:
        for piece in pieces:
            self.size += len(piece)
            self.digest.update(piece)
            if self._keep:
                self.kept += piece[: KEPT - len(self.kept)]
            if max(self.size, self.wire) > LARGEST:
                self.fault = f"sends more than {LARGEST:,} bytes"
            elif Transport.late():
                self.fault = f"sends for more than {REQUEST:.0f} s"
            if self.fault:
                return True
        return False
