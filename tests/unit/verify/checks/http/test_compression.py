from __future__ import annotations

import gzip

import httpx
import pytest

from tests.unit.fakes.site_faults import ENTRY, assert_reported, header, on_accept_encoding, on_header, on_path, status
from tests.unit.fakes.sites import Answer, Fault, Site, compress


def brotli_of_another_release(answer: Answer) -> None:
    """The compressed file was made from other content."""
    answer.body = compress(b"old")


def gzip_of_another_release(answer: Answer) -> None:
    """The compressed file was made from other content."""
    if answer.headers.get("content-encoding") == ["gzip"]:
        answer.body = gzip.compress(b"old")


def uncompressed(answer: Answer) -> None:
    """A large text is sent plain."""
    if "content-encoding" in answer.headers:
        answer.set("content-encoding")
        answer.body = Site().files[ENTRY].encode()


def brotli(answer: Answer) -> None:
    """Compressed, though the request refuses it."""
    answer.body = compress(answer.body)
    answer.set("content-encoding", "br")


def always_brotli(_request: httpx.Request, answer: Answer) -> None:
    """Compressed for every request, as by a cache that does not know Vary."""
    if answer.status == 200 and "content-encoding" not in answer.headers:
        brotli(answer)


FAULTS: list[tuple[str, Fault, str]] = [
    ("http.encoding", on_accept_encoding("br", header("content-encoding")),
     "decodes to other bytes … (accept-encoding: br)"),
    ("http.encoding", on_accept_encoding("gzip", header("content-encoding")),
     "Content-Encoding: none … (accept-encoding: gzip)"),
    ("http.encoding", on_accept_encoding("br", brotli_of_another_release),
     "decodes to other bytes … (accept-encoding: br)"),
    ("http.encoding", on_path("About-C2bRt-8x.js", gzip_of_another_release),
     "decodes to other bytes … /assets/About-C2bRt-8x.js (accept-encoding: gzip)"),
    ("http.encoding", on_path("-Dk1aQz7_.js", uncompressed),
     "Content-Encoding: none … /assets/index-Dk1aQz7_.js (accept-encoding: gzip)"),
    ("http.vary", on_accept_encoding("br", header("vary")), "no Vary: Accept-Encoding … (accept-encoding: br)"),
    ("http.vary", on_header("accept-encoding", header("vary"), "identity"), "in the plain form"),
    ("http.brotli", on_accept_encoding("br", uncompressed), "Content-Encoding: none … (accept-encoding: br)"),
    ("http.negotiation", on_accept_encoding("*;q=0", brotli),
     "Content-Encoding: br, asked with Accept-Encoding: *;q=0, on "),
    ("http.negotiation", on_accept_encoding("gzipped, xgzip", status(406)),
     "406, expected 200, asked with Accept-Encoding: gzipped, xgzip, on "),
    ("http.negotiation", always_brotli, "Content-Encoding: br, asked with Accept-Encoding: identity, on "),
    ("http.negotiation", always_brotli, "Content-Encoding: br, asked with Accept-Encoding: br;q=0, gzip;q=0, on "),
]  # fmt: skip


@pytest.mark.parametrize(("check_id", "fault", "evidence"), FAULTS, ids=[f"{row[0]} {row[2]}" for row in FAULTS])
def test_fault_is_reported(check_id: str, fault: Fault, evidence: str) -> None:
    """The check fails, and the evidence says where the fault is."""
    assert_reported(check_id, fault, evidence)
