from __future__ import annotations

import gzip
import random
from collections.abc import Callable

import pytest

from docktasks.verify.probes import content_encoding
from tests.unit.fakes.sites import compress

NOISE = random.Random(1).randbytes(300_000)  # noqa: S311 - what does not compress, no secret
CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [("br", compress), ("gzip", gzip.compress), ("", bytes)]


@pytest.mark.parametrize(("name", "encode"), CODINGS, ids=["br", "gzip", "none"])
@pytest.mark.parametrize("content", [b"", b"a", bytes(5 << 20), NOISE], ids=len)
@pytest.mark.parametrize("step", [1 << 20, 8191])
def test_what_arrives_in_parts_decodes_to_the_same_in_pieces(
    name: str, encode: Callable[[bytes], bytes], content: bytes, step: int
) -> None:
    """However a body is cut, and however much a part of it decodes to."""
    body, decoder = encode(content), content_encoding.decoder(name)
    parts = [body[start : start + step] for start in range(0, len(body), step)]
    pieces = [piece for part in parts for piece in decoder.feed(part)] + list(decoder.end())
    assert b"".join(pieces) == content
    assert max(map(len, pieces), default=0) <= max(2 * content_encoding.PIECE, step)


@pytest.mark.parametrize("name", ["br", "gzip"])
def test_what_is_broken_is_told(name: str) -> None:
    """Whether it is garbage or ends early."""
    with pytest.raises(ValueError, match="is no "):
        list(content_encoding.decoder(name).feed(b"\x07garbage that is neither"))
    decoder = content_encoding.decoder(name)
    list(decoder.feed(dict(CODINGS)[name](bytes(range(256)) * 9)[:-4]))
    with pytest.raises(ValueError, match="cut short"):
        list(decoder.end())
