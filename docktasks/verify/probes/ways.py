"""The ways of asking for a place: methods, encodings, conditions, parts, and what strangers add to a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from docktasks.verify.probes.http_client import EDGE_BYTES, Request, Response
from docktasks.verify.probes.nginx_config import Words
from docktasks.verify.probes.places import NAMES

FOREIGN_HOST = "canary-5f2c.example"
FOREIGN_ORIGIN = f"https://{FOREIGN_HOST}"
FOREIGN_TAG = '"of-another-release"'
BROWSER_ENCODINGS = "gzip, deflate, br, zstd"
Ways = dict[str, Request]
"""Name -> a request for a place. Its path is what is added to the place's."""
OVERRIDES = tuple((f"x-{name}", "DELETE") for name in ("http-method-override", "http-method", "method-override"))


def get(*headers: tuple[str, str], query: str = "") -> Request:
    """A request with these headers and this query more than the place's own."""
    return Request(query, "GET", headers)


def targets(value: str, names: Iterable[str] = NAMES["targets"]) -> str:
    """A query that names an address by each of the names."""
    return "?" + "&".join(f"{name}={value}" for name in names)


READING: Ways = {
    "HEAD": Request("", "HEAD"),
    "gzip": get(("accept-encoding", "gzip")),
    "br": get(("accept-encoding", "br")),
    "again": get(("accept-encoding", BROWSER_ENCODINGS)),
    "foreign origin": get(("origin", FOREIGN_ORIGIN)),
    "foreign host": get(
        ("x-forwarded-host", FOREIGN_HOST), ("forwarded", f"host={FOREIGN_HOST}"),
        *((f"x-{name}", f"//{FOREIGN_HOST}/") for name in ("forwarded-prefix", "original-url", "rewrite-url")),
    ),
    "foreign scheme": get(("x-forwarded-proto", "http"), ("x-forwarded-port", "81")),
    "null origin": get(("origin", "null")),
    "override": get(*OVERRIDES, query="?_method=DELETE"),
    "query": get(query="?utm_source=a&gclid=b&id=1"),
    "target": get(query=targets(f"//{FOREIGN_HOST}")),
    "target with a scheme": get(query=targets(FOREIGN_ORIGIN)),
}  # fmt: skip
METHODS: Ways = {
    "POST": Request("", "POST"),
    "POST for DELETE": Request("", "POST", OVERRIDES),
    "PATCH": Request("", "PATCH"),
    "PROPFIND": Request("", "PROPFIND"),
    "TRACE": Request("", "TRACE", (("x-canary", FOREIGN_HOST),)),
    "OPTIONS": Request("", "OPTIONS", (("origin", FOREIGN_ORIGIN), ("access-control-request-method", "GET"))),
    "PUT": Request("", "PUT", (("content-range", "bytes 0-0/2"), ("if-match", FOREIGN_TAG))),
    "DELETE": Request("", "DELETE", (("depth", "1"), ("if-match", FOREIGN_TAG))),
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


def conditions(response: Response, encoding: str) -> Iterator[tuple[str, Request]]:
    """The conditions and parts that a browser asks with when it has this response: name, and headers."""
    tag = response.get("etag")
    if not response.is_ok:
        return
    if tag:
        yield "its tag", get(("if-none-match", tag))
    if response.encoded_size > EDGE_BYTES:
        yield "first bytes", get(("range", f"bytes=0-{EDGE_BYTES - 1}"))
    if encoding:
        return
    if tag:
        yield "one of its tags", get(("if-none-match", f'"other", {tag}'))
        yield "any tag", get(("if-none-match", "*"))
    if tag.startswith('"'):
        yield "its weak tag", get(("if-none-match", f"W/{tag}"))
    yield "other tag", get(("if-none-match", FOREIGN_TAG))
    yield "other match", get(("if-match", FOREIGN_TAG))
    yield "old date", get(("if-modified-since", "Fri, 01 Jan 1971 00:00:00 GMT"))
    if not response.get("last-modified"):  # then a browser may send the time at which it got the file
        yield "its date", get(("if-modified-since", response.get("date")))
    if response.encoded_size > EDGE_BYTES:
        yield "last bytes", get(("range", f"bytes=-{EDGE_BYTES}"))
        yield "after the end", get(("range", f"bytes={response.encoded_size}-"))
        yield "part of another", get(("range", "bytes=0-0"), ("if-range", FOREIGN_TAG))


def ways_of(words: Words, origin: str) -> Ways:
    """An origin that looks like the site's, and arguments and headers that the server's configuration names."""
    like = {"like origin": get(("origin", f"{origin}.{FOREIGN_HOST}.{origin.partition('//')[2]}"))}
    arguments = {
        f"target {at}": get(query=targets(at, words.arguments)) for at in (f"//{FOREIGN_HOST}", FOREIGN_ORIGIN)
    }
    headers = {f"header {value}": get(*((name, value) for name in words.headers)) for value in ("1", FOREIGN_HOST)}
    return like | (arguments if words.arguments else {}) | (headers if words.headers else {})
