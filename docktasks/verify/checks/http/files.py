"""The files: they are there, whole, of the right type, however they are asked for."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterator

import httpx

from docktasks.verify.checks.http.samples import MISSING, SAME, asked, page, sample, served
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import ENDS, Answer
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

TYPES = mimetypes.MimeTypes()  # Python's own table, not the machine's: the same verdict everywhere
for _type, _suffix in (
    ("text/javascript", ".js"), ("text/javascript", ".mjs"), ("application/wasm", ".wasm"), ("font/woff2", ".woff2"),
    ("font/woff", ".woff"), ("image/avif", ".avif"), ("image/webp", ".webp"), ("image/x-icon", ".ico"),
    ("application/manifest+json", ".webmanifest"),
):  # fmt: skip
    TYPES.add_type(_type, _suffix)
ALIKE = {
    "application/javascript": "text/javascript", "image/vnd.microsoft.icon": "image/x-icon",
    "application/xml": "text/xml", "application/font-woff": "font/woff",
}  # fmt: skip
"""Older names of the same, which every browser takes."""
SAYS_UTF_8 = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?utf-?8\b""", re.IGNORECASE)


@check(
    "http.files",
    severity="critical",
    needs="url",
    fix="Build again; if it stays, look for the file in /srv/site of the image and for its type in nginx/serving",
)
def files(subject: Subject) -> Iterator[str]:
    """Every file of the site answers 200, whole, with the type its name promises."""
    site = subject.site
    if not site.shell.found or site.shell.type != "text/html":
        yield f"{site.home}: {site.shell.said} {site.shell.type or 'without a type'}"
    if not site.shell.named:
        yield "index.html names no file at all"
    for path, answer in site.files.items():
        wanted = TYPES.guess_type(path)[0] or ""
        if not answer.found or (wanted and _alike(answer.type) != _alike(wanted)):
            yield f"{path}: {answer.said} {answer.type or 'without a type'}, expected 200 {wanted}".rstrip()
    for path, size in subject.shipped.items():
        served_as = site.files.get(site.address(path))
        # What is never stored belongs to the container, not to the image (/env.js).
        if (
            served_as
            and served_as.found
            and served_as.size != size
            and "no-store" not in served_as.get("cache-control")
        ):
            yield f"{served_as.path}: {served_as.size} bytes, and {size} in the image"


@check(
    "http.charset",
    severity="minor",
    needs="url",
    fix="Say charset=utf-8 for text (charset and charset_types in nginx/serving/types.conf)",
)
def charset(subject: Subject) -> Iterator[str]:
    """A page says that it is UTF-8, in its type or its first kilobyte; no text says that it is anything else."""
    for path, answer in served(subject.site).items():
        said = re.search(r"charset=\"?([\w-]+)", answer.get("content-type"), re.IGNORECASE)
        if said and said[1].lower() not in ("utf-8", "utf8"):
            yield f"{path}: Content-Type: {answer.get('content-type')}"
        elif not said and path == subject.site.home and not SAYS_UTF_8.search(answer.body[:1024]):
            yield f"{path}: {answer.get('content-type')}, and no <meta charset>"


@check(
    "http.head",
    severity="minor",
    needs="url",
    fix="Let the server itself answer HEAD: no rule of the configuration should tell it from GET",
)
def head(subject: Subject) -> Iterator[str]:
    """HEAD answers as GET does: the same status and headers, and no body."""
    site = subject.site
    page(site)
    files = sample(served(site))
    for plain, answer in zip(files.values(), site.each(files, "HEAD"), strict=True):
        if answer.status != plain.status:
            yield f"HEAD {plain.path}: {answer.said}, and GET {plain.status}"
            continue
        yield from (f"HEAD {plain.path}: {line}" for line in differing(plain, answer))
        length = answer.get("content-length")
        if length and length != str(plain.wire):
            yield f"HEAD {plain.path}: Content-Length: {length}, and GET sends {plain.wire} bytes"
    paths = site.home, f"{site.home}{MISSING}.txt"
    for path, sent in zip(paths, site.raw(*(request(site, f"HEAD {path} HTTP/1.1") for path in paths)), strict=True):
        if sent.body:
            yield f"HEAD {path}: {len(sent.body)} bytes after the headers"


@check(
    "http.ranges",
    severity="minor",
    needs="url",
    fix="Let the server answer ranges of the files as they are (max_ranges is not 0), or announce none",
)
def ranges(subject: Subject) -> Iterator[str]:
    """A range is answered 206 with its bytes, one behind the end 416, one of another version with the whole file."""
    site = subject.site
    files = {path: answer for path, answer in sample(served(site)).items() if answer.wire > ENDS}
    announced = {path: answer for path, answer in files.items() if answer.get("accept-ranges") == "bytes"}
    for text, which in ((f"bytes=0-{ENDS - 1}", 0), (f"bytes=-{ENDS}", 1)):
        for plain, answer in asked(site, announced, Range=text):
            first = 0 if which == 0 else plain.wire - ENDS
            wanted = f"bytes {first}-{first + ENDS - 1}/{plain.wire}"
            if answer.status != httpx.codes.PARTIAL_CONTENT or answer.get("content-range") != wanted:
                yield f"{plain.path} {text}: {answer.said} {answer.get('content-range')}, expected 206 {wanted}"
            elif answer.digest != hashlib.sha256(plain.ends[which]).digest():
                yield f"{plain.path} {text}: 206 with other bytes than the file's"
    one = sample(announced, 20)
    for plain, answer in asked(site, one, Range="bytes={wire}-"):
        said = answer.get("content-range")
        if answer.status != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE or said not in ("", f"bytes */{plain.wire}"):
            yield f"{plain.path} from behind its end: {answer.said} {said}".rstrip() + ", expected 416"
    for plain, answer in asked(site, one, Range="bytes=0-0", If_Range='"of-another-release"'):
        if answer.digest != plain.digest:
            yield f"{plain.path} if it is another version: {answer.said}, expected the whole file"


def request(site: Site, line: str, *headers: str) -> bytes:
    """A request to be sent as it stands, after which the connection is closed."""
    host = site.origin.partition("//")[2]
    return "\r\n".join([line, f"Host: {host}", *headers, "Connection: close", "", ""]).encode("latin-1")


def differing(plain: Answer, answer: Answer, names: tuple[str, ...] = SAME) -> Iterator[str]:
    """The headers in which two answers differ that should not."""
    for name in names:
        if answer.get(name) != plain.get(name):
            yield f"{name}: {answer.get(name) or 'missing'}, expected {plain.get(name) or 'none'}"


def _alike(media: str) -> str:
    return ALIKE.get(media, media)
