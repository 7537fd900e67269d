"""Compression: who gets a file under which coding, and that it is the same file."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from docktasks.verify.checks.http.samples import asked, sample, served
from docktasks.verify.probes.http_client import Answer
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

WORTH_COMPRESSING = 1024
"""Bytes from which a text has to be compressed."""
BR, GZIP, PLAIN = "br", "gzip", ""
ODD: list[tuple[str, set[str]]] = [
    ("", {PLAIN}),
    ("identity", {PLAIN}),
    ("br;q=0, gzip;q=0", {PLAIN}),
    ("gzip;q=0", {PLAIN}),
    ("gzip;q=0.000", {PLAIN}),
    ("br;q=0", {PLAIN}),
    ("br; q=0.0", {PLAIN}),
    ("br;q=0,gzip", {PLAIN, GZIP}),
    ("gzip;q=0, br", {PLAIN, BR}),
    ("gzip;q=1.0, identity; q=0.5, *;q=0", {PLAIN, GZIP}),
    ("*;q=0", {PLAIN}),
    ("*", {PLAIN, GZIP, BR}),
    ("gzip, deflate, br, zstd", {PLAIN, GZIP, BR}),
    ("br;q=0.2,gzip;q=0.8", {PLAIN, GZIP, BR}),
    ("GZIP", {PLAIN, GZIP}),
    ("BR", {PLAIN, BR}),
    ("xbr, brx, x-br, bro, brotli", {PLAIN}),
    ("gzipped, xgzip", {PLAIN}),
    ("nothing-of-this-name", {PLAIN}),
    (",,;q=1,", {PLAIN}),
]
"""Values of Accept-Encoding, and what may be answered: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3"""


def _texts(subject: Subject) -> dict[str, Answer]:
    return {
        path: answer
        for path, answer in served(subject.site).items()
        if answer.type.startswith(("text/", "application/json", "image/svg"))
    }


def _coded(subject: Subject, coding: str) -> Iterator[tuple[Answer, Answer]]:
    texts, site = _texts(subject), subject.site
    answers = site.coded(coding) | {site.home: site.get(site.home, Accept_Encoding=coding)}
    return ((plain, answers[path]) for path, plain in texts.items())


@check(
    "http.encoding",
    severity="major",
    needs="url",
    fix="Make the compressed twins in the builder, and serve them by Accept-Encoding (nginx/)",
)
def encoding(subject: Subject) -> Iterator[str]:
    """Text goes compressed to who accepts it, and decodes to the same bytes, file by file."""
    for coding in (GZIP, BR):
        for plain, answer in _coded(subject, coding):
            given, what = answer.get("content-encoding"), f"{plain.path} for Accept-Encoding: {coding}"
            # A small file may be served as it is: compressed it would be no smaller.
            if given not in (PLAIN, coding) or (not given and coding == GZIP and plain.size >= WORTH_COMPRESSING):
                yield f"{what}: Content-Encoding: {given or 'none'}"
            elif not answer.found:
                yield f"{what}: {answer.said}"
            elif answer.digest != plain.digest:
                yield f"{what}: decodes to other bytes than the plain file"
            if answer.type != plain.type:
                yield f"{what}: {answer.type or 'without a type'}, and {plain.type} as it is"


@check(
    "http.vary",
    severity="major",
    needs="url",
    fix="Send Vary: Accept-Encoding with every form of a file that has several (compression.conf)",
)
def vary(subject: Subject) -> Iterator[str]:
    """Every form of a file that is also sent in another says so (Vary), or a cache gives one browser another's."""
    varying: dict[str, Answer] = {}
    for coding in (GZIP, BR):
        for plain, answer in _coded(subject, coding):
            if answer.get("content-encoding"):
                varying[plain.path] = plain
                if not _varies(answer):
                    yield f"{plain.path} for Accept-Encoding: {coding}: no Vary: Accept-Encoding"
    for path, plain in varying.items():
        if not _varies(plain):
            yield f"{path}: no Vary: Accept-Encoding, though it is also sent compressed"


@check(
    "http.brotli",
    severity="minor",
    needs="url",
    fix="Compress with brotli in the builder: a tenth to a fifth smaller than gzip, and every browser takes it",
)
def brotli(subject: Subject) -> Iterator[str]:
    """Text goes as brotli to who accepts it, also beside gzip, where that is smaller."""
    for plain, answer in _coded(subject, BR):
        if plain.size >= WORTH_COMPRESSING and answer.get("content-encoding") != BR:
            yield f"{plain.path} for Accept-Encoding: br: Content-Encoding: {answer.get('content-encoding') or 'none'}"
    largest = _largest(subject)
    if largest.size >= WORTH_COMPRESSING:
        answer = subject.site.get(largest.path, Accept_Encoding="gzip, deflate, br, zstd")
        if answer.get("content-encoding") not in (BR, "zstd"):
            yield f"{largest.path} for a browser: Content-Encoding: {answer.get('content-encoding') or 'none'}"


@check(
    "http.negotiation",
    severity="major",
    needs="url",
    fix="Choose by Accept-Encoding as RFC 9110 reads it: whole names, any case, q=0 refuses (compression.conf)",
)
def negotiation(subject: Subject) -> Iterator[str]:
    """However Accept-Encoding is written, only what it allows is sent, and the same bytes as who asks plainly gets."""
    known = _texts(subject)
    # The largest among them, for some servers choose by size.
    texts = sample(known, 5) | {each.path: each for each in sorted(known.values(), key=lambda text: text.size)[-1:]}
    sizes = {PLAIN: {path: plain.wire for path, plain in texts.items()}}
    sizes |= {coding: {plain.path: coded.wire for plain, coded in _coded(subject, coding)} for coding in (GZIP, BR)}
    for value, allowed in ODD:
        for plain, answer in asked(subject.site, texts, Accept_Encoding=value):
            given, what = answer.get("content-encoding"), f"{plain.path} for Accept-Encoding: {value or '(empty)'}"
            if given not in allowed:
                yield f"{what}: Content-Encoding: {given}"
            elif answer.status != httpx.codes.OK:
                yield f"{what}: {answer.said}, expected 200"
            elif answer.wire != sizes[given][plain.path] and (given or allowed == {PLAIN}):
                yield f"{what}: {answer.wire} bytes, where {given or 'identity'} has {sizes[given][plain.path]}"


def _largest(subject: Subject) -> Answer:
    return max(_texts(subject).values(), key=lambda answer: answer.size, default=subject.site.shell)


def _varies(answer: Answer) -> bool:
    named = [name.strip() for name in answer.get("vary").lower().split(",")]
    return "accept-encoding" in named or "*" in named
