"""Compression: who gets a file in which encoding, and that it is the same file."""

from __future__ import annotations

from collections.abc import Iterator

from httpx import codes

from docktasks.verify.checks.http.samples import get_each, ok_files, sample
from docktasks.verify.probes.http_client import Response
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

MIN_COMPRESSED_BYTES = 1024
"""A text of this size or more must be sent compressed."""
BR, GZIP, PLAIN = "br", "gzip", ""
ACCEPT_ENCODING_VALUES: dict[tuple[str, ...], tuple[str, ...]] = {
    (PLAIN,): (
        "", "identity", "br;q=0, gzip;q=0", "gzip;q=0", "gzip;q=0.000", "br;q=0", "br; q=0.0", "*;q=0",
        "xbr, brx, x-br, bro, brotli", "gzipped, xgzip", "nothing-of-this-name", ",,;q=1,",
    ),
    (PLAIN, GZIP): ("br;q=0,gzip", "gzip;q=1.0, identity; q=0.5, *;q=0", "GZIP"),
    (PLAIN, BR): ("gzip;q=0, br", "BR"),
    (PLAIN, GZIP, BR): ("*", "gzip, deflate, br, zstd", "br;q=0.2,gzip;q=0.8"),
}  # fmt: skip
"""Allowed Content-Encoding -> values of Accept-Encoding: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3"""


def _texts(subject: Subject) -> dict[str, Response]:
    """The text files of the site, plain."""
    types = ("text/", "application/json", "image/svg")
    files = ok_files(subject.site)
    return {path: response for path, response in files.items() if response.media_type.startswith(types)}


def _encoded_texts(subject: Subject, encoding: str) -> Iterator[tuple[Response, Response]]:
    """Each text plain, and as it is sent to a browser that accepts only this encoding."""
    site = subject.site
    responses = site.encoded_files(encoding) | {site.home: site.get(site.home, Accept_Encoding=encoding)}
    return ((plain, responses[path]) for path, plain in _texts(subject).items())


@check("http.encoding", "major", fix="Compress files in the builder, serve them by Accept-Encoding (compression.conf)")
def encoding(subject: Subject) -> Iterator[str]:
    """A browser that accepts gzip or brotli gets text compressed, and it decodes to the same bytes."""
    for accepted in (GZIP, BR):
        for plain, response in _encoded_texts(subject, accepted):
            for fault in _encoding_faults(accepted, plain, response):
                yield f"{plain.path} for Accept-Encoding: {accepted}: {fault}"


def _encoding_faults(accepted: str, plain: Response, response: Response) -> Iterator[str]:
    encoding = response.get("content-encoding")
    # A small file may be sent plain: it may not shrink.
    is_uncompressed = not encoding and accepted == GZIP and plain.size >= MIN_COMPRESSED_BYTES
    if encoding not in (PLAIN, accepted) or is_uncompressed:
        yield f"Content-Encoding: {encoding or 'none'}"
    elif not response.is_ok:
        yield response.summary
    elif response.digest != plain.digest:
        yield "decodes to other bytes than the plain file"
    if response.media_type != plain.media_type:
        yield f"{response.media_type or 'without a content type'}, but {plain.media_type} when plain"


@check("http.vary", "major", fix="Send Vary: Accept-Encoding with every form of such a file (compression.conf)")
def vary(subject: Subject) -> Iterator[str]:
    """A file that is sent in several encodings has Vary: Accept-Encoding, or a cache sends the wrong one."""
    compressed: dict[str, Response] = {}
    for accepted in (GZIP, BR):
        for plain, response in _encoded_texts(subject, accepted):
            if response.get("content-encoding"):
                compressed[plain.path] = plain
                if not _varies(response):
                    yield f"{plain.path} for Accept-Encoding: {accepted}: no Vary: Accept-Encoding"
    for path, plain in compressed.items():
        if not _varies(plain):
            yield f"{path}: no Vary: Accept-Encoding, but it is also sent compressed"


def _varies(response: Response) -> bool:
    return bool({name.strip() for name in response.get("vary").lower().split(",")} & {"accept-encoding", "*"})


@check("http.brotli", "minor", fix="Compress with brotli in the builder: it is 10 to 20 % smaller than gzip")
def brotli(subject: Subject) -> Iterator[str]:
    """A browser that accepts brotli gets text as brotli, also if it accepts gzip."""
    for plain, response in _encoded_texts(subject, BR):
        encoding = response.get("content-encoding")
        if plain.size >= MIN_COMPRESSED_BYTES and encoding != BR:
            yield f"{plain.path} for Accept-Encoding: br: Content-Encoding: {encoding or 'none'}"
    largest = max(_texts(subject).values(), key=lambda text: text.size, default=subject.site.index)
    if largest.size >= MIN_COMPRESSED_BYTES:
        browser_value = "gzip, deflate, br, zstd"
        encoding = subject.site.get(largest.path, Accept_Encoding=browser_value).get("content-encoding")
        if encoding not in (BR, "zstd"):
            yield f"{largest.path} for Accept-Encoding: {browser_value}: Content-Encoding: {encoding or 'none'}"


@check("http.negotiation", "major", fix="Choose as in RFC 9110: whole names, any case, q=0 refuses (compression.conf)")
def negotiation(subject: Subject) -> Iterator[str]:
    """Whatever Accept-Encoding says, only what it allows is sent, with the right bytes."""
    texts = _texts(subject)
    largest = sorted(texts.values(), key=lambda text: text.size)[-1:]  # some servers choose by size
    few = sample(texts, 5) | {text.path: text for text in largest}
    sizes = {PLAIN: {path: plain.encoded_size for path, plain in few.items()}}
    for accepted in (GZIP, BR):
        sizes[accepted] = {plain.path: response.encoded_size for plain, response in _encoded_texts(subject, accepted)}
    for allowed, values in ACCEPT_ENCODING_VALUES.items():
        for value in values:
            for plain, response in get_each(subject.site, few, Accept_Encoding=value):
                if fault := _negotiation_fault(allowed, plain.path, response, sizes):
                    yield f"{plain.path} for Accept-Encoding: {value or '(empty)'}: {fault}"


def _negotiation_fault(
    allowed: tuple[str, ...], path: str, response: Response, sizes: dict[str, dict[str, int]]
) -> str | None:
    """The fault, if there is one. `sizes` has the right size by Content-Encoding and path."""
    encoding = response.get("content-encoding")
    if encoding not in allowed:
        return f"Content-Encoding: {encoding}"
    if response.status != codes.OK:
        return f"{response.summary}, expected 200"
    size = sizes[encoding][path]
    if response.encoded_size != size and (encoding or allowed == (PLAIN,)):
        return f"{response.encoded_size} bytes, but {encoding or 'plain'} has {size}"
    return None
