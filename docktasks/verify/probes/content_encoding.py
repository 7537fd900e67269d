"""Decode gzip and brotli with a bound. httpx has none: a body of a few bytes may decode to gigabytes."""

from __future__ import annotations

import hashlib
import zlib

import brotli


class Decoder:
    """Decodes a body chunk by chunk. `encoding` is the Content-Encoding; an unknown one leaves the body as it is."""

    def __init__(self, encoding: str) -> None:
        self._gzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS) if encoding.lower() == "gzip" else None
        self._brotli = brotli.Decompressor() if encoding.lower() == "br" else None

    def decode(self, chunk: bytes, limit: int) -> bytes:
        """What the chunk decodes to. Raises ValueError if it is broken or decodes to more than `limit` bytes."""
        try:
            if self._gzip:
                content = self._gzip.decompress(chunk, limit + 1)
            elif self._brotli:
                content = self._brotli.process(chunk, output_buffer_limit=limit + 1)
            else:
                return chunk
        except (zlib.error, brotli.error) as error:
            raise ValueError(f"is not {'gzip' if self._gzip else 'brotli'}: {error}") from error
        if self._gzip and self._gzip.unused_data.strip(b"\0"):
            raise ValueError("goes on after the end of gzip, where browsers stop")
        if len(content) > limit:
            raise ValueError(f"decodes to more than {limit:,} bytes")
        return bytes(content)

    def close(self) -> None:
        """End the body. Raises ValueError if it is cut short."""
        if (self._gzip and not self._gzip.eof) or (self._brotli and not self._brotli.is_finished()):
            raise ValueError(f"is {'gzip' if self._gzip else 'brotli'} cut short")


def decodes_to(content: bytes, encoding: str, size: int, digest: bytes) -> bool:
    """True if `content` in this encoding decodes to the file that has this size and this SHA-256."""
    decoder = Decoder(encoding)
    try:
        decoded = decoder.decode(content, size)
        decoder.close()
    except ValueError:
        return False
    return hashlib.sha256(decoded).digest() == digest
