"""The files of the site: they exist, are complete, and have the right type, for every kind of request."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from httpx import codes

from docktasks.images.media_types import media_type
from docktasks.verify.checks.http import samples
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import EDGE_BYTES, Response
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

OTHER_TYPE_NAMES = {
    "text/javascript": "application/javascript", "image/icon": "image/vnd.microsoft.icon",
    "text/xml": "application/xml", "font/woff": "application/font-woff", "audio/wav": "audio/wave",
    "video/mp4": "video/m4v",
}  # fmt: skip
"""Media type -> its other name. Every browser accepts both. An x- before a name has no meaning, and is left out."""
OWN_CONTENT = re.compile(rb"<(?:script|style|title)\b[^>]*>\s*[^<\s]", re.IGNORECASE)
UTF_8_META = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?utf-?8\b""", re.IGNORECASE)


@check("http.files", "critical", fix="Build again. Or look for the file in /srv/site, and for its type in types.conf")
def files(subject: Subject) -> Iterator[str]:
    """Every file of the site is answered 200, complete, with the content type that its name promises."""
    site = subject.site
    if not site.index.is_ok or site.index.media_type != "text/html":
        yield f"{site.home}: {_status_and_type(site.index)}"
    if _is_blank(site.index):
        yield "index.html loads no file, and has no script, style or title of its own"
    for path, response in site.files.items():
        expected = media_type(path)
        if not response.is_ok or (expected and _one_name(response.media_type) != _one_name(expected)):
            yield f"{path}: {_status_and_type(response)}, expected 200 {expected}".rstrip()
    yield from _size_faults(subject)


def _status_and_type(response: Response) -> str:
    return f"{response.summary} {response.media_type or 'without a content type'}"


def _is_blank(index: Response) -> bool:
    """True for a page of a server that has no app. A build of one file has its code in the page, a text has a title."""
    return index.is_ok and not index.references.loaded and not OWN_CONTENT.search(index.body)


def _one_name(media_type: str) -> str:
    name = media_type.replace("/x-", "/")
    return OTHER_TYPE_NAMES.get(name, name)


def _size_faults(subject: Subject) -> Iterator[str]:
    for path, size in subject.shipped_files.items():
        response = subject.site.files.get(subject.site.address(path))
        if response is None or not response.is_ok or response.size == size:
            continue
        if "no-store" not in response.get("cache-control"):  # the container writes /env.js itself
            yield f"{response.path}: {response.size} bytes, but {size} in the image"


@check("http.charset", "minor", fix="Send charset=utf-8 for text (charset, charset_types in types.conf)")
def charset(subject: Subject) -> Iterator[str]:
    """The page declares UTF-8 in its content type or its first kilobyte. No text declares another charset."""
    for path, response in samples.ok_files(subject.site).items():
        content_type = response.get("content-type")
        declared = re.search(r"charset=\"?([\w-]+)", content_type, re.IGNORECASE)
        if declared and declared[1].lower() not in ("utf-8", "utf8"):
            yield f"{path}: Content-Type: {content_type}"
        elif not declared and path == subject.site.home and not UTF_8_META.search(response.body[:1024]):
            yield f"{path}: {content_type}, and no <meta charset>"


@check("http.head", "minor", fix="Let the server answer HEAD itself: no rule may treat it differently")
def head(subject: Subject) -> Iterator[str]:
    """HEAD is answered as GET is: the same status and headers, and no body."""
    site = subject.site
    samples.index_page(site)
    known = samples.sample(samples.ok_files(site))
    for get, head in zip(known.values(), site.get_all(known, "HEAD"), strict=True):
        yield from (f"HEAD {get.path}: {fault}" for fault in _head_faults(get, head))
    paths = site.home, f"{site.home}{samples.MISSING_NAME}.txt"
    answers = site.send_raw(*(samples.raw_request(site, f"HEAD {path} HTTP/1.1") for path in paths))
    for path, answer in zip(paths, answers, strict=True):
        if answer.body:
            yield f"HEAD {path}: {len(answer.body)} bytes after the headers"


def _head_faults(get: Response, head: Response) -> Iterator[str]:
    if head.status != get.status:
        yield f"{head.summary}, but GET {get.status}"
        return
    yield from samples.header_differences(get, head)
    length = head.get("content-length")
    if length and length != str(get.encoded_size):
        yield f"Content-Length: {length}, but GET sends {get.encoded_size} bytes"


@check("http.ranges", "minor", fix="Let the server answer ranges (max_ranges is not 0), or announce no ranges")
def ranges(subject: Subject) -> Iterator[str]:
    """A range is answered 206 with its bytes, a range after the end 416, a range of another version with the file."""
    site = subject.site
    announced = {
        path: response
        for path, response in samples.sample(samples.ok_files(site)).items()
        if response.get("accept-ranges") == "bytes" and response.encoded_size > EDGE_BYTES
    }
    yield from _edge_faults(site, announced, is_first=True)
    yield from _edge_faults(site, announced, is_first=False)
    few = samples.sample(announced, 20)
    for file, response in samples.get_each(site, few, Range="bytes={size}-"):
        content_range = response.get("content-range")
        is_416 = response.status == codes.REQUESTED_RANGE_NOT_SATISFIABLE
        if not is_416 or content_range not in ("", f"bytes */{file.encoded_size}"):
            yield f"{file.path} after its end: {response.summary} {content_range}".rstrip() + ", expected 416"
    for file, response in samples.get_each(site, few, Range="bytes=0-0", If_Range='"of-another-release"'):
        if response.digest != file.digest:
            yield f"{file.path} if it is another version: {response.summary}, expected the whole file"


def _edge_faults(site: Site, files: dict[str, Response], *, is_first: bool) -> Iterator[str]:
    """Faults of the answers to ranges of EDGE_BYTES, at the beginning or at the end of each file."""
    text = f"bytes=0-{EDGE_BYTES - 1}" if is_first else f"bytes=-{EDGE_BYTES}"
    for file, response in samples.get_each(site, files, Range=text):
        start = 0 if is_first else file.encoded_size - EDGE_BYTES
        expected = f"bytes {start}-{start + EDGE_BYTES - 1}/{file.encoded_size}"
        content_range = response.get("content-range")
        if response.status != codes.PARTIAL_CONTENT or content_range != expected:
            yield f"{file.path} {text}: {response.summary} {content_range}, expected 206 {expected}"
        elif response.digest != hashlib.sha256(file.edges[0 if is_first else 1]).digest():
            yield f"{file.path} {text}: 206 with other bytes than the file has"
