"""Undoes a Content-Encoding piece by piece, so that a small body that decodes to an endless one takes no memory."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterator

PIECE = 1 << 18
"""Bytes that are decoded at a time."""


class Decoder:
    """Leaves a body as it is; the others undo what they are named after. They raise ValueError when it is broken."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the next part of the body decodes to, in pieces."""
        yield data

    def end(self) -> Iterator[bytes]:
        """What is left when nothing more comes."""
        yield from ()


class _Gzip(Decoder):
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            while data and not self._stream.eof:
                yield self._stream.decompress(data, PIECE)
                data = self._stream.unconsumed_tail
        except zlib.error as error:
            raise ValueError(f"is no gzip: {error}") from error

    def end(self) -> Iterator[bytes]:
        yield self._stream.flush()
        if not self._stream.eof:
            raise ValueError("is gzip cut short")


class _Brotli(Decoder):
    def __init__(self) -> None:
        self._brotli = importlib.import_module("brotli")  # has no types
        self._stream = self._brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            piece = self._stream.process(data, output_buffer_limit=PIECE)
            # That it takes more data does not mean that it has given out all.
            while piece or not self._stream.can_accept_more_data():
                yield piece
                piece = b"" if self._stream.is_finished() else self._stream.process(b"", output_buffer_limit=PIECE)
        except self._brotli.error as error:
            raise ValueError("is no brotli") from error

    def end(self) -> Iterator[bytes]:
        if not self._stream.is_finished():
            raise ValueError("is brotli cut short")
        yield from ()


def decoder(name: str) -> Decoder:
    """The decoder for a Content-Encoding; one that nobody asked for is left as it is."""
    return {"gzip": _Gzip, "br": _Brotli}.get(name.lower(), Decoder)()
