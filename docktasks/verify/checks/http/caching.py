"""Caching: who may keep what, how a kept copy is revalidated, and that no copy outlives its release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from statistics import mode
from urllib.parse import unquote

from httpx import codes

from docktasks.verify.checks.http.rules import exceptions, header_differences, is_ours, listed, survey_of
from docktasks.verify.probes.crawler import grouped
from docktasks.verify.probes.http_client import Response
from docktasks.verify.probes.survey import Answer, Survey
from docktasks.verify.probes.ways import METHODS, VISITORS
from docktasks.verify.registry import Major, check
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
SHARED_HEADERS = re.compile(r".+-cache-control|surrogate-control|edge-control|x-accel-expires")
"""What a shared cache obeys before Cache-Control: https://www.rfc-editor.org/rfc/rfc9213"""
LIFETIME = re.compile(r"^\s*@?[1-9]|(?:age|stale-[a-z-]+|ttl)\s*=\s*\"?0*[1-9]", re.IGNORECASE)
MONTH_S = 30 * 86_400
"""A file with this max-age or more is as good as immutable: a visitor who returns does not ask for it."""
MAX_FIXED_TIME_S = 315_619_200
"""1980-01-02. Reproducible builds set times from 1970 to 1980-01-01, the first that a zip file can have."""
DAY_S = 86_400
KNOWN_TIMES = {1, 315_532_801, 499_162_500}
"""Of reproducible builds, zip files and npm packages. The beginning of a day is such a time, too."""
OTHER_WAYS = {*METHODS, "after the end"}
"""What answers these without an error is judged by http.methods and http.ranges."""
MIN_EQUAL_TIMES = 3
KINDS = "kept", "former", "health"
"""The kinds of places whose answers have a policy of their own."""
NGINX_TAG = re.compile(r'"([0-9a-f]{1,9})-([0-9a-f]+)"$')
"""nginx makes an ETag of a file's time and size, in hexadecimal."""


@check("http.cache-policy", "critical", fix="Send no-cache for pages, immutable for hashed names (caching.conf)")
def cache_policy(subject: Subject) -> Iterator[str]:
    """Pages are always revalidated, hashed assets are kept for a year, and errors are never kept, by any cache."""
    survey = survey_of(subject)
    is_own = "The site's _headers has rules for caches." in survey.site.health  # how long they are kept is its choice
    by_build, answers = _named_by_build(subject), _judged(survey, is_own=subject.has("image"))
    by_name = _named_by_content(subject) - by_build
    if subject.shipped_files:  # what our build took for a copy is one, such as an app in public/ that is built already
        by_name &= {*survey.site.index.references.loaded}
    expected = by_build | by_name
    kinds = grouped(answers, lambda answer: _kind_of(answer, expected))
    usual = {kind: mode(answer.response.get("cache-control") for answer in alike) for kind, alike in kinds.items()}
    usual = usual if is_ours(subject, "cache-control") and not is_own else {}

    def faults(answer: Answer) -> Iterator[str]:
        is_first = answer.place.kind == "unknown" or answer.place.path == survey.site.index.path
        policy, status = answer.response.get("cache-control"), answer.response.status
        is_by_name = unquote(answer.place.path.partition("?")[0]) in by_name
        is_unusual = policy != usual.get(_kind_of(answer, expected), policy) and answer.place.kind != "folder"
        is_unusual |= bool(usual) and status >= codes.BAD_REQUEST and not policy
        if _is_wrong(answer, expected, is_free=is_own and not is_first) or is_unusual:
            is_slow_only = is_by_name and not _is_wrong(answer, set(), is_free=False)  # browsers ask for it again
            error = f" with {status}" if status >= codes.BAD_REQUEST else ""
            yield (Major if is_slow_only else str)(f"Cache-Control is {policy or 'missing'}{error}")
        yield from _shared_faults(answer)

    return exceptions(answers, faults)


def _named_by_build(subject: Subject) -> set[str]:
    """The files that must be kept for a year, by what the build said."""
    site = subject.site
    names = {site.address(name).removeprefix(site.home) for name in subject.hashed_files}
    # A site with a base path is served at its root, too. So the end of a path counts, from any of its slashes.
    ends = {path: [path[slash.end() :] for slash in re.finditer("/", path)] for path in site.files}
    return {path for path, file in site.files.items() if file.is_ok and not names.isdisjoint(ends[path])}


def _named_by_content(subject: Subject) -> set[str]:
    """The files that should be kept for a year, by their names."""
    policies = {path: file.get("cache-control") for path, file in subject.site.files.items() if file.is_ok}
    perhaps = [path for path in policies if PERHAPS_HASHED.search(path)]
    none_is_kept = len(perhaps) >= MIN_PERHAPS and max(map(_max_age_s, policies.values())) < MONTH_S
    return {*filter(HASHED.search, policies), *(perhaps if none_is_kept else ())}


def _judged(survey: Survey, *, is_own: bool) -> list[Answer]:
    asked = {answer.place.path for answer in survey.answers}
    others = [file for file in survey.files() if file.response.is_ok and file.place.path not in asked]
    return others + [
        answer
        for answer in survey.seen
        if answer.place.kind != "file" or answer.base.is_ok  # http.files reports a missing file
        if not is_own or (answer.way not in VISITORS and not answer.way.startswith("header "))  # http.variants
        if answer.way not in OTHER_WAYS or answer.response.status >= codes.BAD_REQUEST
        if answer.way != "HEAD" and answer.response.status != codes.NOT_MODIFIED  # http.head, http.revalidation
    ]


def _kind_of(answer: Answer, expected: set[str]) -> tuple[object, ...]:
    """What has the same policy in every release of ours. A range may be kept if it surely is in the file."""
    path, status = unquote(answer.place.path.partition("?")[0]), answer.response.status
    if "range" in dict(answer.request.headers):
        return answer.label, status
    kind = answer.place.kind if answer.place.kind in KINDS else path in expected
    return (status, kind, path.endswith("/env.js")) if status < codes.MULTIPLE_CHOICES else (status,)


def _is_wrong(answer: Answer, expected: set[str], *, is_free: bool) -> bool:
    response, path = answer.response, unquote(answer.place.path.partition("?")[0])
    policy = response.get("cache-control")
    age_s = _max_age_s(policy)
    is_long = age_s >= MONTH_S or "immutable" in policy
    if response.status >= codes.MULTIPLE_CHOICES and response.status != codes.NOT_MODIFIED:
        return "immutable" in policy or age_s > (DAY_S if response.status < codes.BAD_REQUEST else 0)
    if answer.is_page:
        is_revalidated = is_free or re.search(r"no-cache(?!\s*=)|no-store|max-age=0\b", policy)
        return is_long or not is_revalidated or _max_age_s(policy, "s-maxage") > 0
    is_kept = answer.place.kind == "kept"
    is_of_container = path.endswith("/env.js")  # its configuration
    if is_free or is_of_container:
        return is_of_container and age_s > 0
    may_be_long = age_s >= MONTH_S and (is_kept or MAYBE_HASHED.search(path))
    return not may_be_long if is_long else is_kept or path in expected


def _shared_faults(answer: Answer) -> Iterator[str]:
    """What a cache between the site and a browser would keep, though a browser does not."""
    policy = answer.response.get("cache-control")
    is_error = answer.response.status >= codes.BAD_REQUEST
    may_be_kept = _max_age_s(policy) > 0 and not is_error and not answer.is_page
    for name, value in answer.response.headers:
        is_kept = SHARED_HEADERS.fullmatch(name) and LIFETIME.search(value)
        is_open = name == "expires" and (policy or is_error)
        is_late = is_open and 0 < _seconds(answer.response.get("date")) < _seconds(value)
        if (is_kept or is_late) and not may_be_kept:
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

    def of_another(answer: Answer) -> Iterator[str]:
        if answer.response.status == codes.NOT_MODIFIED:
            yield "304, expected the file,"

    yield from exceptions(survey.ways("other tag", "old date", "its date"), of_another)
    files = {path: file for path, file in survey.site.responses.items() if file.is_ok}
    for time, paths in grouped(sorted(files), lambda path: files[path].get("last-modified")).items():
        if time and (_seconds(time) <= MAX_FIXED_TIME_S or _seconds(time) % DAY_S == 0):
            yield f"Last-Modified: {time}, which is a fixed time, on {len(paths)} files: {listed(paths)}"
    for tag, paths in grouped(sorted(files), lambda path: files[path].get("etag")).items():
        different = {files[path].digest: path for path in paths}
        if tag and len(different) > 1:
            yield f"{' and '.join(sorted(different.values())[:2])} differ, but both have ETag: {tag}"
    yield from _fixed_tags(files)
    yield from _tags_shared_by_encodings(survey)


def _seconds(time: str) -> float:
    """The time of a header in seconds since 1970; 0 if it is none."""
    try:
        return parsedate_to_datetime(time).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _tag_time(response: Response) -> str:
    """The time in an ETag of nginx; empty without one."""
    tag = NGINX_TAG.search(response.get("etag"))
    return tag[1] if tag and int(tag[2], 16) == response.encoded_size else ""


def _fixed_tags(files: dict[str, Response]) -> Iterator[str]:
    """ETags of a fixed time and the size: another release with a file of equal size has the same."""
    tagged = [path for path in sorted(files) if _tag_time(files[path])]
    for time, paths in grouped(tagged, lambda path: _tag_time(files[path])).items():
        is_shared = len({files[path].digest for path in paths}) >= max(MIN_EQUAL_TIMES, len(files) / 2)
        is_sent = any(files[path].get("last-modified") for path in paths)  # then it may be the time of a build
        is_known = int(time, 16) in KNOWN_TIMES or int(time, 16) % DAY_S == 0
        if is_known or (is_shared and not is_sent):
            yield f"the ETag is a fixed time ({time}) and the size on {len(paths)} files: {listed(paths)}"


def _tags_shared_by_encodings(survey: Survey) -> Iterator[str]:
    """Files with one strong ETag for two encodings: a cache could join the halves of both."""
    first_encodings: dict[tuple[str, str], str] = {}
    for response in (answer.response for answer in survey.files("", "gzip", "br")):
        tag, encoding = response.get("etag"), response.get("content-encoding") or "identity"
        if response.is_ok and tag.startswith('"'):
            first = first_encodings.setdefault((response.path, tag), encoding)
            if first != encoding:
                yield f"{response.path}: ETag: {tag} for both {first} and {encoding}"
