"""Caching: who may keep what, how a kept copy is revalidated, and that no copy outlives its release."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from httpx import codes

from docktasks.verify.checks.http.rules import exceptions, header_differences, listed, survey_of
from docktasks.verify.probes.http_client import Response
from docktasks.verify.probes.survey import Answer, Survey
from docktasks.verify.probes.ways import METHODS
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

# A bundler's hash has eight characters or more, after a separator or as the whole name. A size and a word of small
# letters are none, so a file of the first pattern may be kept. Of the second it must: a script or style of Vite whose
# hash is no word, and no service worker (hashed-names.mjs). Of three of the third pattern one must be kept.
MAYBE_HASHED = re.compile(
    r"(?:[-._]|/(?![a-z]{3,}[-_]))(?!\d+x\d+\.|[a-z_-]+\.)(?=[\w-]*[A-Za-z])[\w-]{8,}(?:\.[a-z]+){0,2}\.[^/.]+$"
)
_NUMERONYMS = r"(?![\w-]*(?i:i18n|l10n|a11y|e2e|k8s|[bp]2[bcp]|utf8|base64|sha\d|md5|es\d|h26[45]|mp[34]|x64|x86))"
_CODE = _NUMERONYMS + r"(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{8}\.(?:m?js|css)$"
HASHED = re.compile(r"/assets/(?!.*(?:sw|worker)\b).*-(?=[\w-]*[A-Za-z]\d+[A-Za-z]+\d)" + _CODE)
MIN_PERHAPS = 3
PERHAPS_HASHED = re.compile(r"/assets/.*-(?=[\w-]*[\d_-][A-Za-z])" + _CODE)
SHARED_HEADERS = "cdn-cache-control", "cloudflare-cdn-cache-control", "vercel-cdn-cache-control", "surrogate-control"
"""What a shared cache obeys before Cache-Control: https://www.rfc-editor.org/rfc/rfc9213"""
MONTH_S = 30 * 86_400
"""A file with this max-age or more is as good as immutable: a visitor who returns does not ask for it."""
MAX_REDIRECT_S = 86_400
MAX_FIXED_TIME_S = 315_619_200
"""1980-01-02. Reproducible builds set times from 1970 to 1980-01-01, the first that a zip file can have."""
KNOWN_TIMES = {0, 1, 315_532_800, 315_532_801, 499_162_500}
"""Of reproducible builds, zip files and npm packages."""
OTHER_WAYS = {*METHODS, "after the end"}
"""What answers these without an error is judged by http.methods and http.ranges."""
MIN_EQUAL_TIMES = 3
NGINX_TAG = re.compile(r'"([0-9a-f]{1,9})-([0-9a-f]+)"$')
"""nginx makes an ETag of a file's time and size, in hexadecimal."""


@check(
    "http.cache-policy",
    "critical",
    fix="Send no-cache for index.html, and immutable for files with a hash in their name (caching.conf)",
)
def cache_policy(subject: Subject) -> Iterator[str]:
    """Pages are always revalidated, hashed assets are kept for a year, and errors are never kept, by any cache."""
    survey = survey_of(subject)
    site = survey.site
    is_own = "The site's _headers has rules for caches." in survey.health  # how long its files are kept is its choice
    policies = {path: file.get("cache-control") for path, file in site.files.items() if file.is_ok}
    perhaps = [path for path in policies if PERHAPS_HASHED.search(path)]
    none_is_kept = len(perhaps) >= MIN_PERHAPS and max(map(_max_age_s, policies.values())) < MONTH_S
    named_by_build = {*map(site.address, subject.hashed_files)} & policies.keys()
    expected = {*filter(HASHED.search, policies), *(perhaps if none_is_kept else ()), *named_by_build}

    def faults(answer: Answer) -> Iterator[str]:
        is_first = answer.place.kind == "unknown" or answer.place.path == site.index.path
        if _is_wrong(answer, expected, is_free=is_own and not is_first):
            policy = answer.response.get("cache-control")
            yield f"Cache-Control is {policy or 'missing'}"
        yield from _shared_faults(answer)

    asked = {answer.place.path for answer in survey.answers}
    others = (survey.file_answer(path) for path in policies if path not in asked)
    answers = [
        answer
        for answer in survey.seen
        if answer.place.kind != "file" or answer.base.is_ok  # http.files reports a missing file
        if answer.way not in OTHER_WAYS or answer.response.status >= codes.BAD_REQUEST
        if answer.way != "HEAD" and answer.response.status != codes.NOT_MODIFIED  # http.head, http.revalidation
    ]
    return exceptions([*answers, *others], faults)


def _is_wrong(answer: Answer, expected: set[str], *, is_free: bool) -> bool:
    response, path = answer.response, unquote(answer.place.path.partition("?")[0])
    policy = response.get("cache-control")
    age_s = _max_age_s(policy)
    is_long = age_s >= MONTH_S or "immutable" in policy
    if response.status >= codes.MULTIPLE_CHOICES and response.status != codes.NOT_MODIFIED:
        return "immutable" in policy or age_s > (MAX_REDIRECT_S if response.status < codes.BAD_REQUEST else 0)
    if answer.is_page:
        is_revalidated = is_free or re.search(r"no-cache|no-store|max-age=0\b", policy)
        return is_long or not is_revalidated or _max_age_s(policy, "s-maxage") > 0
    is_kept_long = path in expected or (answer.place.kind == "kept" and bool(HASHED.search(path)))
    is_of_container = path.endswith("/env.js")  # its configuration
    if is_free or is_of_container:
        return is_of_container and age_s > 0
    return (age_s < MONTH_S or not MAYBE_HASHED.search(path)) if is_long else is_kept_long


def _shared_faults(answer: Answer) -> Iterator[str]:
    """What a cache between the site and a browser would keep, though a browser does not."""
    policy = answer.response.get("cache-control")
    may_be_kept = _max_age_s(policy) > 0 and answer.response.status < codes.BAD_REQUEST and not answer.is_page
    for name in SHARED_HEADERS:
        value = answer.response.get(name)
        if _max_age_s(value) and not may_be_kept:
            yield f"{name}: {value}"
    if not may_be_kept and re.search(r"stale-(?:while-revalidate|if-error)=[1-9]", policy):
        yield f"Cache-Control is {policy}"


def _max_age_s(policy: str, names: str = "max-age|s-maxage") -> int:
    return max(map(int, re.findall(rf"(?:{names})\s*=\s*\"?(\d{{1,18}})", policy.lower())), default=0)


@check("http.revalidation", "major", fix="Send an ETag with every such file, and let the server compare it (etag on)")
def revalidation(subject: Subject) -> Iterator[str]:
    """A browser that has the file gets 304 with the file's headers and no body."""
    survey = survey_of(subject)

    def without_tag(answer: Answer) -> Iterator[str]:
        response = answer.response
        is_kept = re.search("no-store|immutable", response.get("cache-control"))
        if response.is_ok and not is_kept and not (response.get("etag") or response.get("last-modified")):
            yield "neither ETag nor Last-Modified, so it is sent again every time,"

    kinds = "page", "unknown", "file", "kept"
    yield from exceptions((answer for answer in survey.plain if answer.place.kind in kinds), without_tag)
    tags = "its tag", "one of its tags", "its weak tag", "any tag", "gzip its tag", "br its tag"
    yield from exceptions(survey.ways(*tags), _faults_of_304)


def _faults_of_304(answer: Answer) -> Iterator[str]:
    response = answer.response
    if response.status != codes.NOT_MODIFIED or response.encoded_size:
        yield f"{response.summary}, expected 304,"
        return
    # A missing Vary does not change what the browser keeps.
    names = ("etag", "cache-control", "vary") if response.get("vary") else ("etag", "cache-control")
    yield from (f"304 whose {line}" for line in header_differences(answer.base, response, names))


@check("http.validators", "major", fix="Derive the ETag from the content (assemble.mjs). Send no fixed Last-Modified")
def validators(subject: Subject) -> Iterator[str]:
    """Different content never shares a validator: the ETag changes, and Last-Modified is not a fixed build time."""
    survey = survey_of(subject)
    yield from exceptions(survey.ways("other tag", "old date", "its date"), _faults_of_200)
    index = survey.site.index
    files = {path: file for path, file in ({index.path: index} | survey.site.files).items() if file.is_ok}
    for time, paths in _shared_values(files, lambda file: file.get("last-modified")).items():
        if _is_fixed(time):
            yield f"{len(paths)} different files: Last-Modified: {time}"
    for tag, paths in _shared_values(files, lambda file: file.get("etag")).items():
        yield f"{' and '.join(paths[:2])} differ, but both have ETag: {tag}"
    yield from _fixed_tags(files)
    yield from _tags_shared_by_encodings(survey)


def _faults_of_200(answer: Answer) -> Iterator[str]:
    """A 304 to a browser that has another file."""
    if answer.response.status == codes.NOT_MODIFIED:
        yield "304, expected the file,"


def _shared_values(files: dict[str, Response], value_of: Callable[[Response], str]) -> dict[str, list[str]]:
    """Each value that different files have -> the paths of these files."""
    paths: dict[str, dict[bytes, str]] = {}
    for path, response in files.items():
        paths.setdefault(value_of(response), {}).setdefault(response.digest, path)
    return {value: sorted(by_digest.values()) for value, by_digest in paths.items() if value and len(by_digest) > 1}


def _is_fixed(time: str) -> bool:
    try:
        return parsedate_to_datetime(time).timestamp() <= MAX_FIXED_TIME_S
    except (ValueError, OverflowError):
        return True


def _tag_time(response: Response) -> str:
    """The time in an ETag of nginx; empty without one."""
    tag = NGINX_TAG.search(response.get("etag"))
    return tag[1] if tag and int(tag[2], 16) == response.encoded_size else ""


def _fixed_tags(files: dict[str, Response]) -> Iterator[str]:
    """ETags of a fixed time and the size: another release with a file of equal size has the same."""
    times: dict[str, dict[bytes, str]] = {}
    for path, file in files.items():
        times.setdefault(_tag_time(file), {}).setdefault(file.digest, path)
    for time, paths in times.items():
        is_shared = len(paths) >= max(MIN_EQUAL_TIMES, len(files) / 2)
        is_sent = any(files[path].get("last-modified") for path in paths.values())  # then it may be the time of a build
        is_known = time and int(time, 16) in KNOWN_TIMES
        if is_known or (time and is_shared and not is_sent):
            yield f"the ETag is a fixed time ({time}) and the size on {len(paths)} files: {listed(paths.values())}"


def _tags_shared_by_encodings(survey: Survey) -> Iterator[str]:
    """Files with one strong ETag for two encodings: a cache could join the halves of both."""
    first_encodings: dict[tuple[str, str], str] = {}
    for accepted in ("identity", "gzip", "br"):
        for path, response in survey.site.encoded_files(accepted).items():
            tag, encoding = response.get("etag"), response.get("content-encoding") or "identity"
            if response.is_ok and tag.startswith('"'):
                first = first_encodings.setdefault((path, tag), encoding)
                if first != encoding:
                    yield f"{path}: ETag: {tag} for both {first} and {encoding}"
