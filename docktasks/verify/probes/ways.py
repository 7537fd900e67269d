"""The ways of asking for a place: methods, encodings, conditions and parts."""

from __future__ import annotations

from collections.abc import Iterator

from docktasks.verify.probes.connection import Headers
from docktasks.verify.probes.http_client import EDGE_BYTES, Response

FOREIGN_HOST = "canary-5f2c.example"
FOREIGN_ORIGIN = f"https://{FOREIGN_HOST}"
FOREIGN_TAG = '"of-another-release"'
BROWSER_ENCODINGS = "gzip, deflate, br, zstd"
Ways = dict[str, tuple[str, Headers]]
READING: Ways = {
    "HEAD": ("HEAD", ()),
    "gzip": ("GET", (("accept-encoding", "gzip"),)),
    "br": ("GET", (("accept-encoding", "br"),)),
    "again": ("GET", (("accept-encoding", BROWSER_ENCODINGS),)),
    "foreign origin": ("GET", (("origin", FOREIGN_ORIGIN),)),
    "null origin": ("GET", (("origin", "null"),)),
    "foreign host": ("GET", (
        ("x-forwarded-host", FOREIGN_HOST), ("forwarded", f"host={FOREIGN_HOST}"),
        ("x-forwarded-prefix", f"//{FOREIGN_HOST}"), ("x-original-url", f"//{FOREIGN_HOST}/"),
    )),
}  # fmt: skip
METHODS: Ways = {
    "POST": ("POST", ()),
    "PATCH": ("PATCH", ()),
    "PROPFIND": ("PROPFIND", ()),
    "TRACE": ("TRACE", (("x-canary", FOREIGN_HOST),)),
    "OPTIONS": ("OPTIONS", (("origin", FOREIGN_ORIGIN), ("access-control-request-method", "GET"))),
    "PUT": ("PUT", (("content-range", "bytes 0-0/2"), ("if-match", FOREIGN_TAG))),
    "DELETE": ("DELETE", (("depth", "1"), ("if-match", FOREIGN_TAG))),
}
"""A server that obeys PUT or DELETE refuses these two: half a file, and a folder of depth 1 (RFC 9110, RFC 4918)."""
BR, GZIP, PLAIN = "br", "gzip", ""
NEGOTIATED: dict[tuple[str, ...], tuple[str, ...]] = {
    (PLAIN,): (
        "", "identity", "br;q=0, gzip;q=0", "gzip;q=0", "gzip;q=0.000", "br;q=0", "br; q=0.0", "*;q=0",
        "xbr, brx, x-br, bro, brotli", "gzipped, xgzip", "nothing-of-this-name", ",,;q=1,",
    ),
    (PLAIN, GZIP): ("br;q=0,gzip", "gzip;q=1.0, identity; q=0.5, *;q=0", "GZIP"),
    (PLAIN, BR): ("gzip;q=0, br", "BR"),
    (PLAIN, GZIP, BR): ("*", BROWSER_ENCODINGS, "br;q=0.2,gzip;q=0.8"),
}  # fmt: skip
"""Allowed Content-Encoding -> values of Accept-Encoding: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3"""


def conditions(response: Response, encoding: str) -> Iterator[tuple[str, Headers]]:
    """The conditions and parts that a browser asks with when it has this response: name, and headers."""
    tag = response.get("etag")
    if not response.is_ok:
        return
    if tag:
        yield "its tag", (("if-none-match", tag),)
    if response.encoded_size > EDGE_BYTES:
        yield "first bytes", (("range", f"bytes=0-{EDGE_BYTES - 1}"),)
    if encoding:
        return
    if tag:
        yield "one of its tags", (("if-none-match", f'"other", {tag}'),)
        yield "any tag", (("if-none-match", "*"),)
    if tag.startswith('"'):
        yield "its weak tag", (("if-none-match", f"W/{tag}"),)
    yield "other tag", (("if-none-match", FOREIGN_TAG),)
    yield "other match", (("if-match", FOREIGN_TAG),)
    yield "old date", (("if-modified-since", "Fri, 01 Jan 1971 00:00:00 GMT"),)
    if not response.get("last-modified"):  # then a browser may send the time at which it got the file
        yield "its date", (("if-modified-since", response.get("date")),)
    if response.encoded_size > EDGE_BYTES:
        yield "last bytes", (("range", f"bytes=-{EDGE_BYTES}"),)
        yield "after the end", (("range", f"bytes={response.encoded_size}-"),)
        yield "part of another", (("range", "bytes=0-0"), ("if-range", FOREIGN_TAG))
