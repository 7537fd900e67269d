from __future__ import annotations

import gzip
import hashlib
import random
import tracemalloc
from collections.abc import Callable

import brotli
import pytest

from docktasks.verify.probes.content_encoding import Decoder, decodes_to
from tests.unit.fakes.sites import compress

NOISE = random.Random(1).randbytes(300_000)  # noqa: S311 - bytes that do not compress, no secret
ENCODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [("br", compress), ("gzip", gzip.compress), ("", bytes)]


@pytest.mark.parametrize(("encoding", "encode"), ENCODINGS, ids=["br", "gzip", "none"])
@pytest.mark.parametrize("content", [b"", b"a", bytes(5 << 20), NOISE], ids=len)
@pytest.mark.parametrize("step", [1 << 20, 8191])
def test_decoder_gives_the_same_content_however_the_body_is_cut(
    encoding: str, encode: Callable[[bytes], bytes], content: bytes, step: int
) -> None:
    """A chunk may end anywhere, and may decode to any number of bytes up to the limit."""
    body, decoder = encode(content), Decoder(encoding)
    chunks = [body[start : start + step] for start in range(0, len(body), step)]
    assert b"".join(decoder.decode(chunk, len(content)) for chunk in chunks) == content
    decoder.close()


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_decoder_refuses_a_body_that_is_broken_or_cut_short(encoding: str) -> None:
    """Garbage fails at once, a body that is cut short at its end."""
    with pytest.raises(ValueError, match="is not "):
        Decoder(encoding).decode(b"\x07garbage that is neither", 100)
    decoder = Decoder(encoding)
    decoder.decode(dict(ENCODINGS)[encoding](bytes(range(256)) * 9)[:-4], 9999)
    with pytest.raises(ValueError, match="cut short"):
        decoder.close()


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_decoder_refuses_what_comes_after_the_end(encoding: str) -> None:
    """A browser stops there: of a second part it shows nothing. Zeros only fill a block up."""
    encode = dict(ENCODINGS)[encoding]
    with pytest.raises(ValueError, match=r"is not brotli|goes on after the end"):
        Decoder(encoding).decode(encode(b"one") + encode(b"two"), 100)
    decoder = Decoder(encoding)
    decoder.decode(encode(b"one"), 100)
    with pytest.raises(ValueError, match=r"is not brotli|goes on after the end"):
        decoder.decode(encode(b"two"), 100)
    assert Decoder("gzip").decode(gzip.compress(b"one") + bytes(512), 100) == b"one"


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_compression_bomb_takes_little_memory(encoding: str) -> None:
    """64 MiB of zeros are a body of a few kilobytes. The decoder stops at the limit."""
    zeros = bytes(64 << 20)
    bomb = gzip.compress(zeros, 1) if encoding == "gzip" else brotli.compress(zeros, quality=1)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="decodes to more than 1,048,576 bytes"):
            Decoder(encoding).decode(bomb, 1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("encoding", "encode"), ENCODINGS[:2], ids=["br", "gzip"])
def test_decodes_to_compares_with_the_whole_original(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    """A copy of more, of less, of something else, or that is broken is no copy."""
    copy = encode(NOISE)

    def is_copy_of(original: bytes, copy: bytes = copy) -> bool:
        return decodes_to(copy, encoding, len(original), hashlib.sha256(original).digest())

    assert is_copy_of(NOISE)
    assert not is_copy_of(NOISE[:-1])
    assert not is_copy_of(NOISE + b"a")
    assert not is_copy_of(NOISE[:-1] + b"a")
    assert not is_copy_of(NOISE, copy[:-5])
