"""Headers that limit what a browser does and what others learn, on every answer, and what answers tell."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from statistics import mode
from urllib.parse import unquote

from httpx import codes

from docktasks.resources import table
from docktasks.verify.checks.http.rules import exceptions, is_ours, listed, survey_of, understood
from docktasks.verify.probes.connection import Headers
from docktasks.verify.probes.csp import CSP
from docktasks.verify.probes.survey import Answer
from docktasks.verify.registry import Minor, Note, check
from docktasks.verify.subject import Subject

SECURITY_HEADERS = {CSP: r".", "x-content-type-options": r"^nosniff$"}
CROSS_ORIGIN_HEADERS = {
    "referrer-policy": r"^(no-referrer|same-origin|strict-origin|origin)(?!-when-downgrade)",
    "permissions-policy": r"^(?!\s*\*)(?!.*\b(?:camera|microphone|geolocation|payment|usb)\s*=\s*\(?\*)",
    "cross-origin-opener-policy": r"^(same-origin(-allow-popups)?|noopener-allow-popups)\s*(;|$)",
    "cross-origin-resource-policy": r"^(same-(origin|site)|cross-origin)$",
}
_TABLE = table(__file__)
"""What is wrong about headers, and patterns of their names and of what errors tell. Its `about` says what each has."""
SERVER_HEADERS, KNOWN, ELSEWHERE, HARMLESS = (
    re.compile("|".join(_TABLE[name])) for name in ("server_headers", "known", "elsewhere", "harmless")
)
STACK_TRACE = re.compile("|".join(_TABLE["stack_trace"]), re.MULTILINE | re.IGNORECASE)
SERVER_VERSION = re.compile(rf"\b(?:{'|'.join(_TABLE['servers'])})[/ ]v?\d[\w.]*", re.IGNORECASE)
VERSION = re.compile(r"[\w.-]+(?:/v?\d|(?<=[a-z])[ -]v?\d+\.\d)[\w.]*", re.IGNORECASE)
SERVER_PATH = re.compile(r"(?<![\w./%-])(?:/(?:srv|var/www|usr/(?:share|local|lib)|root|etc)|[A-Z]:\\)[/\\][\w./\\-]+")
_is_of_server = lru_cache(256)(SERVER_HEADERS.fullmatch)
NOT_LISTED = re.compile(next(row[1] for row in _TABLE["own_faults"] if row[0] == "x-robots-tag"), re.IGNORECASE)
ROBOTS_META = re.compile(rf"<meta[^>]+\brobots\b[^>]*(?:{NOT_LISTED.pattern})", re.IGNORECASE)
NOBODY = re.compile(r"^user-agent: *\*\s*\n(?:(?!user-agent:).*\n)*?disallow: */\s*$", re.IGNORECASE | re.MULTILINE)
SINGLE_HEADERS = {
    "content-type", "content-range", "etag", "last-modified", "expires", "date", "age", "location", "retry-after",
}  # fmt: skip
"""Headers that stand once: of two, each reader takes another one. https://www.rfc-editor.org/rfc/rfc9110#section-5.5"""
MAX_EARLY_HOURS, MAX_KEPT_HOURS = 0.5, 24 * 7
"""How far the time of an answer may be from this machine's: browsers count how old it is from there."""
SAFE_HEAD_BYTES, MAX_HEAD_BYTES = 8_000, 16_000
"""nginx takes 4 or 8 kB from a server behind it, Node.js 16, and Chrome 256: what is larger becomes an error."""


@check("http.security-headers", "major", fix="Set them once at server level, with `always`, never in a location")
def security_headers(subject: Subject) -> Iterator[str]:
    """Content-Security-Policy and nosniff are sent exactly once with every answer: pages, files, errors, redirects."""
    return exceptions(understood(survey_of(subject)), partial(_wrong, SECURITY_HEADERS))


@check("http.cross-origin-headers", "minor", fix="Set each once at server level, with `always` (security.conf)")
def cross_origin_headers(subject: Subject) -> Iterator[str]:
    """The headers that limit what other sites learn and reach are sent exactly once with every answer."""
    survey, headers = survey_of(subject), dict(CROSS_ORIGIN_HEADERS)
    index = survey.site.index
    if not index.get("permissions-policy"):
        del headers["permissions-policy"]
        yield Note("advice: Permissions-Policy can refuse the camera to all scripts, as prod.csp: strict does")
    has_any = [name for name in SECURITY_HEADERS if index.get(name)]  # who lacks all of them lost these, too
    judged = [answer for answer in understood(survey) if not has_any or any(map(answer.response.get, has_any))]
    yield from exceptions(judged, partial(_wrong, headers))
    names = [name for name in headers if is_ours(subject, name)]
    usual = {name: mode(answer.response.get(name) for answer in judged) for name in names}
    yield from exceptions(judged, lambda answer: _unusual(answer, usual, headers))
    if not index.get("cross-origin-embedder-policy"):
        yield Note("advice: Cross-Origin-Embedder-Policy: require-corp isolates a site that loads only its own files")


def _unusual(answer: Answer, usual: dict[str, str], patterns: dict[str, str]) -> Iterator[str]:
    """The values that are right, but are not what the build sends everywhere else."""
    for name, value in usual.items():
        sent = answer.response.get(name)
        if sent != value and re.search(patterns[name], sent, re.IGNORECASE):
            yield f"{name}: {sent}, and {value} elsewhere,"


def _wrong(patterns: dict[str, str], answer: Answer) -> Iterator[str]:
    """The headers that are not there once, or do not match their pattern."""
    for name, pattern in patterns.items():
        values = answer.response.get_list(name)
        if len(values) != 1:
            yield f"{name} is sent {len(values)} times" if values else f"{name} is missing"
        elif not re.search(pattern, values[0], re.IGNORECASE):
            yield f"{name}: {values[0]}"


@check("http.server-version", "minor", fix="Hide the version (server_tokens off), and the details of errors")
def server_version(subject: Subject) -> Iterator[str]:
    """No answer tells the version of a server or a path on it, or shows where its code has failed."""
    survey = survey_of(subject)
    yield from exceptions(survey.seen, _details_of)
    for name, answer in survey.odd_answers.items():
        error = answer.body[:4096].decode("latin-1") if answer.status >= codes.BAD_REQUEST else ""
        yield from (f"{fault} on {name}" for fault in _details(_server_headers(answer.headers), error))


def _details_of(answer: Answer) -> Iterator[str]:
    is_error = answer.response.status >= codes.BAD_REQUEST
    text = answer.response.text if is_error or (answer.place.kind == "health" and not answer.is_page) else ""
    yield from _details(_server_headers(answer.response.headers), text)
    path = SERVER_PATH.search(text)
    if path and path[0] not in unquote(answer.request.path):
        yield f"a path of the server ({path[0][:60]})"


def _server_headers(headers: Headers) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers if _is_of_server(name))


@lru_cache(1024)  # thousands of answers have the same ones
def _details(headers: str, error: str) -> list[str]:
    details = []
    if version := VERSION.search(headers) or SERVER_VERSION.search(error):
        details.append(version[0])
    elif powered := re.search(r"^x-.*", headers, re.MULTILINE):
        details.append(powered[0])
    if trace := STACK_TRACE.search(error.replace("\\n", "\n")):  # JSON writes a line's end so
        details.append(f"a stack trace ({' '.join(trace[0].split())[:60]})")
    return details


@check("http.headers", "major", fix="Remove the header (add_header), or name it in the site's _headers if you want it")
def headers(subject: Subject) -> Iterator[str]:
    """No header leads browsers or caches astray, by a wrong time neither, or is too large. Ours has only its own."""

    def faults(answer: Answer) -> Iterator[str]:
        lines = answer.response.headers
        size = sum(len(name) + len(value) + 4 for name, value in lines)
        if size > SAFE_HEAD_BYTES:
            longest, value = max(lines, key=lambda line: len(line[1]))
            text = f"{size // 1000} kB of headers, {len(value) // 1000} kB of them {longest}: many proxies refuse them,"
            yield text if size > MAX_HEAD_BYTES else Minor(text)
        yield from _wrong_date(answer.response.get("date"), answer.response.get("age"))
        names = [name for name, _ in lines]
        yield from (f"{name} is sent {names.count(name)} times" for name in SINGLE_HEADERS if names.count(name) > 1)
        for name, value in lines:
            if not KNOWN.fullmatch(name) and not ELSEWHERE.fullmatch(name):
                is_page = answer.is_page and answer.place.kind in ("page", "unknown")  # a CDN saves no page, either
                is_built = is_ours(subject, name) or (is_page and name == "content-disposition")
                yield from _faults_of_header(name, value, is_built=is_built)

    survey = survey_of(subject)
    yield from exceptions(survey.seen, faults)
    index, robots = survey.site.index, survey.site.files.get(f"{survey.site.home}robots.txt")
    told_by = {
        "X-Robots-Tag": NOT_LISTED.search(index.get("x-robots-tag")),
        "a meta element": ROBOTS_META.search(index.text),
        "robots.txt": robots and robots.is_ok and NOBODY.search(survey.site.get(robots.path).text),
    }
    if names := [name for name, says_no in told_by.items() if says_no]:
        yield Note(f"advice: search engines leave the site out, by {', '.join(names)}. Is it meant for the public?")


def _wrong_date(date: str, age: str) -> Iterator[str]:
    """What is wrong about the time of an answer. A cache that names no age may have kept it for some time."""
    try:
        hours = (parsedate_to_datetime(date).timestamp() - time.time()) / 3600
    except (ValueError, OverflowError):
        yield from [Minor(f"date: {date[:60]}, which is no time of HTTP,")] if date else []
        return
    kept_hours = MAX_KEPT_HOURS + (int(age) / 3600 if re.fullmatch(r"[0-9]{1,10}", age) else 0)
    if hours > MAX_EARLY_HOURS or hours < -kept_hours:
        relation = "after" if hours > 0 else "before"
        yield Minor(f"date: {abs(hours):,.0f} hours {relation} the time of this machine (set the server's clock),")


def _faults_of_header(name: str, value: str, *, is_built: bool) -> Iterator[str]:
    short = f"{name}: {value[:60]}"
    rules = _TABLE["faults"] + (_TABLE["own_faults"] if is_built else [])
    rows = [(values, result) for pattern, values, result in rules if re.fullmatch(pattern, name)]
    faults = [f"{short}: {result}," for values, result in rows if re.search(values, value, re.IGNORECASE)]
    yield from faults
    if is_built and not faults and not HARMLESS.fullmatch(name):
        yield Minor(f"{name}: the build does not send it,")  # one line, whatever its values are


@check("http.source-maps", "minor", fix="Build without inline source maps: build.sourcemap false or 'hidden'")
def source_maps(subject: Subject) -> Iterator[str]:
    """No script or style sheet contains its source map: every visitor would load the app's source."""
    survey = survey_of(subject)
    files = survey.site.files
    if paths := [path for path, file in files.items() if file.references.has_map]:
        yield f"an inline source map is in {len(paths):,} of {len(files):,} files: {listed(paths)}"
