"""Caching: who may keep what, how a kept copy is revalidated, and that no copy outlives its release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from httpx import codes

from docktasks.verify.checks.http import samples
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import Response
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

# A bundler's hash has eight characters or more, after a separator or as the whole name. A size and a word of small
# letters are none, so a file of the first pattern may be kept. Of the second it must: a script or style of Vite whose
# hash is no word, and no service worker (hashed-names.mjs). Of three of the third pattern one must be kept.
MAYBE_HASHED = re.compile(
    r"(?:[-._]|/(?![a-z]{3,}[-_]))(?!\d+x\d+\.|[a-z_-]+\.)(?=[\w-]*[A-Za-z])[\w-]{8,}(?:\.[a-z]+){0,2}\.[^/.]+$"
)
_CODE = r"(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{8}\.(?:m?js|css)$"
HASHED = re.compile(r"/assets/(?!.*(?:sw|worker)\b).*-(?=[\w-]*[A-Za-z]\d+[A-Za-z]+\d)" + _CODE)
MIN_PERHAPS = 3
PERHAPS_HASHED = re.compile(r"/assets/.*-(?=[\w-]*[\d_-][A-Za-z])" + _CODE)
TAGS = {"its ETag": "{etag}", "its weak ETag": "W/{etag}", "another ETag and its own": '"other", {etag}', "*": "*"}
"""What If-None-Match is sent with -> its value, as samples.get_each() takes it."""
MONTH_S = 30 * 86_400
"""A file with this max-age or more is as good as immutable: a visitor who returns does not ask for it."""
MAX_FIXED_TIME_S = 315_619_200
"""1980-01-02. Reproducible builds set times from 1970 to 1980-01-01, the first that a zip file can have."""


@check(
    "http.cache-policy",
    "critical",
    fix="Send no-cache for index.html, and immutable for files with a hash in their name (caching.conf)",
)
def cache_policy(subject: Subject) -> Iterator[str]:
    """index.html is always revalidated, hashed assets are kept for a year, and errors are never kept."""
    site = subject.site
    for path in (site.home, f"{site.home}{samples.MISSING_NAME}"):
        policy = site.get(path).get("cache-control")
        if not re.search(r"no-cache|no-store|max-age=0\b", policy) or "immutable" in policy:
            yield f"{path}: Cache-Control is {policy or 'missing'}"
    policies = {path: file.get("cache-control") for path, file in site.files.items() if file.is_ok}
    if _is_chosen_by_site(site):
        policies = {}
    perhaps = [path for path in policies if PERHAPS_HASHED.search(path)]
    none_is_kept = len(perhaps) >= MIN_PERHAPS and max(map(_max_age_s, policies.values())) < MONTH_S
    for path, policy in policies.items():
        if not _is_right_policy(path, policy) or (none_is_kept and path in perhaps):
            yield f"{path}: Cache-Control is {policy or 'missing'}"
    for request, response in samples.missing_responses(site).items():
        policy = response.get("cache-control")
        if "immutable" in policy or _max_age_s(policy):
            yield f"{request}: Cache-Control is {policy or 'missing'}"


def _is_chosen_by_site(site: Site) -> bool:
    """True if the site's own file _headers has rules for caches: what they choose for its files is right."""
    return b"The site's _headers has rules for caches." in samples.health_notes(site)


def _is_right_policy(path: str, policy: str) -> bool:
    is_long = _max_age_s(policy) >= MONTH_S
    if is_long or "immutable" in policy:
        return is_long and bool(MAYBE_HASHED.search(path))
    return not HASHED.search(path)


def _max_age_s(policy: str) -> int:
    return max(map(int, re.findall(r"(?:max-age|s-maxage)=(\d{1,18})", policy)), default=0)


@check("http.revalidation", "major", fix="Send an ETag with every such file, and let the server compare it (etag on)")
def revalidation(subject: Subject) -> Iterator[str]:
    """A browser that has the file gets 304 with the file's headers and no body."""
    site = subject.site
    files = samples.sample(samples.ok_files(site))
    for path, response in files.items():
        is_revalidated = not re.search("no-store|immutable", response.get("cache-control"))
        if is_revalidated and not (response.get("etag") or response.get("last-modified")):
            yield f"{path}: neither ETag nor Last-Modified, so it is sent again every time"
    tagged = {path: response for path, response in files.items() if response.get("etag")}
    few = samples.sample(tagged, 10)
    strong = {path: response for path, response in few.items() if response.get("etag").startswith('"')}
    yield from _faults_of_304(site, tagged, "its ETag")
    yield from _faults_of_304(site, strong, "its weak ETag")
    yield from _faults_of_304(site, few, "another ETag and its own")
    yield from _faults_of_304(site, few, "*")
    for encoding in ("gzip", "br"):
        encoded = {path: response for path, response in site.encoded_files(encoding).items() if path in few}
        encoded = {path: response for path, response in encoded.items() if response.get("etag")}
        yield from _faults_of_304(site, encoded, "its ETag", encoding)


def _faults_of_304(site: Site, files: dict[str, Response], tags: str, encoding: str = "identity") -> Iterator[str]:
    """Faults of the answers to If-None-Match with these tags, among which is the tag of the file in this encoding."""
    for file, response in samples.get_each(site, files, If_None_Match=TAGS[tags], Accept_Encoding=encoding):
        request = f"{file.path} as {encoding}, If-None-Match with {tags}"
        if response.status != codes.NOT_MODIFIED or response.encoded_size:
            yield f"{request}: {response.summary}, expected 304"
            continue
        # A missing Vary does not change what the browser keeps.
        names = ("etag", "cache-control", "vary") if response.get("vary") else ("etag", "cache-control")
        yield from (f"{request}: 304 with {line}" for line in samples.header_differences(file, response, names))


@check("http.validators", "major", fix="Derive the ETag from the content (assemble.mjs). Send no fixed Last-Modified")
def validators(subject: Subject) -> Iterator[str]:
    """Different content never shares a validator: the ETag changes, and Last-Modified is not a fixed build time."""
    site = subject.site
    files = samples.ok_files(site)
    few = samples.sample(files, 10)
    yield from _faults_of_200(site, few, "If-None-Match", '"of-another-release"')
    yield from _faults_of_200(site, few, "If-Modified-Since", "Fri, 01 Jan 1971 00:00:00 GMT")
    if not site.index.get("last-modified"):  # then a browser may send the time at which it got the file
        yield from _faults_of_200(site, few, "If-Modified-Since", site.index.get("date"))
    for time, paths in _shared_values(files, "last-modified").items():
        if _is_fixed(time):
            yield f"{len(paths)} different files: Last-Modified: {time}"
    for tag, paths in _shared_values(files, "etag").items():
        yield f"{' and '.join(paths[:2])} differ, but both have ETag: {tag}"
    yield from _tags_shared_by_encodings(site)


def _faults_of_200(site: Site, files: dict[str, Response], name: str, value: str) -> Iterator[str]:
    """Answers of 304 to a browser that has another file."""
    for file, response in samples.get_each(site, files, **{name: value}):
        if response.status == codes.NOT_MODIFIED:
            yield f"{file.path} {name}: {value}: {response.summary}, expected the file"


def _shared_values(files: dict[str, Response], header: str) -> dict[str, list[str]]:
    """Each value of the header that different files have -> the paths of these files."""
    paths: dict[str, dict[bytes, str]] = {}
    for path, response in files.items():
        paths.setdefault(response.get(header), {}).setdefault(response.digest, path)
    return {value: sorted(by_digest.values()) for value, by_digest in paths.items() if value and len(by_digest) > 1}


def _is_fixed(time: str) -> bool:
    try:
        return parsedate_to_datetime(time).timestamp() <= MAX_FIXED_TIME_S
    except (ValueError, OverflowError):
        return True


def _tags_shared_by_encodings(site: Site) -> Iterator[str]:
    """Files with one strong ETag for two encodings: a cache could join the halves of both."""
    first_encodings: dict[tuple[str, str], str] = {}
    for accepted in ("identity", "gzip", "br"):
        for path, response in site.encoded_files(accepted).items():
            tag, encoding = response.get("etag"), response.get("content-encoding") or "identity"
            if response.is_ok and tag.startswith('"'):
                first = first_encodings.setdefault((path, tag), encoding)
                if first != encoding:
                    yield f"{path}: ETag: {tag} for both {first} and {encoding}"
