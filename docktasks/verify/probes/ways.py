"""The ways of asking for a place: methods, encodings, conditions, parts, and what strangers add to a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from docktasks.resources import table
from docktasks.verify.probes.http_client import EDGE_BYTES, Request, Response
from docktasks.verify.probes.nginx_config import Words
from docktasks.verify.probes.places import NAMES

FOREIGN_HOST = "canary-5f2c.example"
FOREIGN_ORIGIN = f"https://{FOREIGN_HOST}"
FOREIGN_TAG = '"of-another-release"'
Ways = dict[str, Request]
"""Name -> a request for a place. Its path is what is added to the place's."""
LONG_CHARS = 1900
"""How long one value of a query and of a cookie may be on any site. IIS takes a query of 2 kB, others 4 kB or more."""
TABLE: dict[str, Any] = table(__file__)
"""The ways. Its `about` says what each kind is."""


def get(*headers: tuple[str, str], query: str = "") -> Request:
    """A request with these headers and this query more than the place's own."""
    return Request(query, "GET", headers)


def targets(value: str, names: Iterable[str] = NAMES["targets"]) -> str:
    """A query that names an address by each of the names."""
    return "?" + "&".join(f"{name}={value}" for name in names)


def _ways(kind: str) -> Ways:
    """The ways of one kind in the table."""

    def filled(text: str) -> str:
        return text.replace("{host}", FOREIGN_HOST).replace("{long}", "a" * LONG_CHARS)

    return {
        name: Request(filled(query), method, tuple((header, filled(value)) for header, value in headers.items()))
        for name, (method, query, headers) in TABLE[kind].items()
    }


READING, VISITORS, METHODS = map(_ways, ("reading", "visitors", "methods"))
BR, GZIP, PLAIN = "br", "gzip", ""
NEGOTIATED: dict[str, list[str]] = {value: allowed for allowed, values in TABLE["negotiated"] for value in values}
"""Value of Accept-Encoding -> allowed values of Content-Encoding."""


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
    """An origin that looks like the site's; arguments and headers, also those that the server's configuration names."""
    names = *NAMES["targets"], *words.arguments
    like = {"like origin": get(("origin", f"{origin}.{FOREIGN_HOST}.{origin.partition('//')[2]}"))}
    arguments = {f"target {at}": get(query=targets(at, names)) for at in (f"//{FOREIGN_HOST}", FOREIGN_ORIGIN)}
    headers = {f"header {value}": get(*((name, value) for name in words.headers)) for value in ("1", FOREIGN_HOST)}
    return like | arguments | VISITORS | (headers if words.headers else {})
