"""The files of the site: they exist, are complete, and have the right type, for every kind of request."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import partial

from httpx import codes

from docktasks.images.media_types import media_type
from docktasks.verify.checks.http.rules import exceptions, header_differences, survey_of
from docktasks.verify.probes import odd_requests
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import EDGE_BYTES, Response
from docktasks.verify.probes.references import HASHED_NAME, LOCAL, MANIFEST
from docktasks.verify.probes.survey import Answer
from docktasks.verify.registry import Major, Minor, check
from docktasks.verify.subject import Subject

OTHER_TYPE_NAMES = {
    "text/javascript": "application/javascript", "image/icon": "image/vnd.microsoft.icon",
    "text/xml": "application/xml", "font/woff": "application/font-woff", "audio/wav": "audio/wave",
    "video/mp4": "video/m4v",
}  # fmt: skip
"""Media type -> its other name. Every browser accepts both. An x- before a name has no meaning, and is left out."""
PAGES = "page", "unknown"
OWN_CONTENT = re.compile(rb"<(?:script|style|title)\b[^>]*>\s*[^<\s]", re.IGNORECASE)
ADDRESS = re.compile(
    r"""<(?:link|meta|script|img|iframe|form|base|source)\b[^>]*?\s(?:href|src|content|action)=["']?([^"'\s>]+)""",
    re.IGNORECASE,
)
"""What a page loads or names, but for its links: a manual may have those to a server of the reader."""
VARIABLE = re.compile(
    r"""<(?:title>\s*|(?:meta|link|script|img|html)\b[^<>]*?=["']?)(%(?:VITE|PUBLIC|REACT_APP)_\w+%|\$\{[A-Z]\w*\}(?!\s+(?!\w+=)[^\s<>/]))(?=[/"'\s<>])""",
    re.IGNORECASE,
)
"""What Vite leaves in a page, or envsubst: https://vite.dev/guide/env-and-mode#html-constant-replacement."""
SOURCE = re.compile(r"/src/.*\.ts$|\.(?:tsx|mts|jsx|vue|svelte)$")
"""Matches a file that only a build reads. Elsewhere .ts is a video, too."""
SAMPLE = re.compile(r"<(pre|code|kbd|samp|script|style|textarea)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
"""What a page shows of a program, or does not show."""
UTF_8_META = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?utf-?8\b""", re.IGNORECASE)


@check("http.files", "critical", fix="Build again. Or look for the file in /srv/site, and for its type in types.conf")
def files(subject: Subject) -> Iterator[str]:
    """Every file is answered 200, complete, with the type that its name promises. No page has a left-over %VITE_…%."""
    site = subject.site
    if site.index.is_ok:
        survey_of(subject)  # which tells if there is nothing to judge
    if not site.index.is_ok or site.index.media_type != "text/html":
        yield f"{site.home}: {_status_and_type(site.index)}"
    # The page of a server that has no app. A build of one file has its code in the page, a text has a title.
    if site.index.is_ok and not site.index.references.loaded and not OWN_CONTENT.search(site.index.body):
        yield "index.html loads no file, and has no script, style or title of its own"
    for path, response in site.files.items():
        expected = media_type(path)
        if not response.status or response.is_failure:
            continue  # http.answers reports it
        if not response.is_ok or (expected and _one_name(response.media_type) != _one_name(expected)):
            is_source = SOURCE.search(path) and not response.is_ok
            fault = "a source, which the build left in its page" if is_source else f"expected 200 {expected}"
            line = f"{path}: {_status_and_type(response)}, {fault}".rstrip()
            is_left_over = response.status == codes.NOT_FOUND and _is_only_in_a_style(site, path)
            yield Major(f"{line}: a style sheet names it, and the build did not find it") if is_left_over else line
    texts = site.responses.values()
    named = [path for text in texts if text.media_type in ("text/html", MANIFEST) for path in text.references.possible]
    named += [path for text in texts for path in text.references.pages]
    absent = (site.absent[path] for path in dict.fromkeys(named) if path in site.absent)
    dead = (file for file in absent if not codes.is_redirect(file.status))
    yield from (Minor(f"{file.path}: {file.summary}, though a page names it") for file in dead)
    if site.index.is_ok:
        shown = (answer for answer in subject.survey.plain if answer.is_page and answer.response.is_ok)
        yield from exceptions(shown, partial(_left_over, site))
    yield from _size_faults(subject)


def _left_over(site: Site, answer: Answer) -> Iterator[str]:
    """What a page still has of the machine on which it was made."""
    for address in dict.fromkeys(filter(LOCAL.match, ADDRESS.findall(answer.response.text))):
        if not address.startswith(site.origin):
            yield Minor(f"{address}, an address of a developer's machine,")
    text = answer.response.text
    shown = re.findall(r"%VITE_\w+%", SAMPLE.sub("", text)) if "%VITE_" in text else []
    replaced = VARIABLE.findall(text)
    for name in dict.fromkeys((*replaced, *shown)):  # a sentence may only name it
        yield (Major if name in replaced else Minor)(f"{name}, a variable that the build did not have,")


def _is_only_in_a_style(site: Site, path: str) -> bool:
    """True for a picture or a font of the app's own that only a style sheet names. The page is there without it.

    Vite leaves an address that it does not find in a style sheet as it is, and warns. A hashed file is its own.
    """
    if HASHED_NAME.search(f".{path}") or not media_type(path).startswith(("image/", "font/")):
        return False
    types = {text.media_type for text in site.responses.values() if path in text.references.loaded}
    return types == {"text/css"} and all(site.address(name) != path for name in site.shipped)


def _status_and_type(response: Response) -> str:
    return f"{response.summary} {response.media_type or 'without a content type'}"


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
    """Each page declares UTF-8 in its content type or its first kilobyte. No text declares another charset."""
    survey = survey_of(subject)

    def faults(answer: Answer) -> Iterator[str]:
        response = answer.response
        content_type = response.get("content-type")
        declared = re.search(r"charset=\"?([\w-]+)", content_type, re.IGNORECASE)
        if declared and declared[1].lower() not in ("utf-8", "utf8"):
            yield f"Content-Type: {content_type}"
        is_silent = not declared and answer.place.kind in PAGES and answer.is_page
        if is_silent and not UTF_8_META.search(response.body[:1024]):
            yield f"Content-Type: {content_type}, and no <meta charset>,"

    sent = [answer for answer in survey.plain if answer.response.is_ok]
    yield from exceptions([*sent, *survey.files()], faults)


@check("http.head", "minor", fix="Let the server answer HEAD itself: no rule may treat it differently")
def head(subject: Subject) -> Iterator[str]:
    """HEAD is answered as GET is, at every place: the same status and headers, and no body."""
    survey = survey_of(subject)
    yield from exceptions(survey.ways("HEAD"), _head_faults)
    for name, answer in survey.odd(odd_requests.heads).items():
        if answer.body:
            yield f"{name}: {len(answer.body)} bytes after the headers"


def _head_faults(answer: Answer) -> Iterator[str]:
    get, head = answer.base, answer.response
    if head.status != get.status:
        yield f"HEAD {head.summary}, but GET {get.status},"
        return
    yield from header_differences(get, head)
    length = head.get("content-length")
    if length and length != str(get.encoded_size) and get.status == codes.OK:
        yield f"Content-Length: {length}, but GET sends {get.encoded_size} bytes,"


@check("http.ranges", "minor", fix="Let the server answer ranges (max_ranges is not 0), or announce no ranges")
def ranges(subject: Subject) -> Iterator[str]:
    """A range is answered 206 with its bytes, a range after the end 416, a range of another version with the file."""
    survey = survey_of(subject)
    ways = "first bytes", "last bytes", "after the end", "part of another", "gzip first bytes", "br first bytes"
    announced = (answer for answer in survey.ways(*ways) if answer.base.get("accept-ranges") == "bytes")
    return exceptions(announced, _range_faults)


def _range_faults(answer: Answer) -> Iterator[str]:
    file, response = answer.base, answer.response
    content_range = response.get("content-range")
    if answer.way == "after the end":
        is_416 = response.status == codes.REQUESTED_RANGE_NOT_SATISFIABLE
        if not is_416 or content_range not in ("", f"bytes */{file.encoded_size}"):
            yield f"{response.summary} {content_range}".rstrip() + ", expected 416,"
    elif answer.way == "part of another":
        if response.digest != file.digest:
            yield f"{response.summary}, expected the whole file,"
    else:
        is_first = answer.way.endswith("first bytes")
        start = 0 if is_first else file.encoded_size - EDGE_BYTES
        expected = f"bytes {start}-{start + EDGE_BYTES - 1}/{file.encoded_size}"
        if response.status != codes.PARTIAL_CONTENT or content_range != expected:
            yield f"{response.summary} {content_range}, expected 206 {expected},"
        elif response.digest != hashlib.sha256(file.edges[0 if is_first else 1]).digest():
            yield "206 with other bytes than the file has,"
