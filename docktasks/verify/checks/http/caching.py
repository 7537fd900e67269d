"""Caching: who may keep what, how a kept copy is asked about, and that no copy outlives its release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx

from docktasks.verify.checks.http.files import differing
from docktasks.verify.checks.http.samples import MISSING, asked, errors, sample, served
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

# Vite's names of hashed files end in a dash and eight characters; eight small letters, or digits, may be a word or a
# date, and an image may come from public/: so from outside these are known as hashed at best, the others for certain.
LIKE_HASHED = re.compile(r"[-.][\w-]{8,}\.[^/]+$")
HASHED = re.compile(r"/assets/.*-(?=[\w-]*[A-Za-z])(?=[\w-]*[A-Z0-9_])[\w-]{8}\.(?:m?js|css)$")
MONTH = 30 * 86_400
"""Seconds from which a file is kept for good: a visitor who comes back does not ask."""
ARCHIVES_BEGIN = 315_619_200
"""1980-01-02: a time up to then was fixed for a reproducible build, and says nothing of the file."""


@check(
    "http.cache-policy",
    severity="critical",
    needs="url",
    fix="no-cache for the shell, one year and immutable for /assets/, and neither for errors (nginx/)",
)
def cache_policy(subject: Subject) -> Iterator[str]:
    """The shell is revalidated always, hashed assets alone are kept for good, and an error never."""
    site = subject.site
    for path in (site.home, f"{site.home}{MISSING}"):
        policy = site.get(path).get("cache-control")
        if not re.search(r"no-cache|no-store|max-age=0\b", policy) or "immutable" in policy:
            yield f"{path}: Cache-Control: {policy or 'missing'}"
    for path, answer in site.files.items():
        policy = answer.get("cache-control")
        for_good = "immutable" in policy or _seconds(policy) >= MONTH
        wanted = LIKE_HASHED.search(path) if for_good else not HASHED.search(path)
        if answer.found and (not wanted or (for_good and _seconds(policy) < MONTH)):
            yield f"{path}: Cache-Control: {policy or 'missing'}"
    for what, answer in errors(site).items():
        policy = answer.get("cache-control")
        if "immutable" in policy or _seconds(policy):
            yield f"{what}: Cache-Control: {policy}"


@check(
    "http.revalidation",
    severity="major",
    needs="url",
    fix="Send an ETag with every file that is to be asked about, and let the server compare it (etag on)",
)
def revalidation(subject: Subject) -> Iterator[str]:
    """Who has the file already gets 304, with the headers of the file and no body; who has another gets the file."""
    site = subject.site
    files = sample(served(site))
    for path, answer in files.items():
        policy = answer.get("cache-control")
        if not re.search("no-store|immutable", policy) and not (answer.get("etag") or answer.get("last-modified")):
            yield f"{path}: neither ETag nor Last-Modified, so it is sent anew every time"
    tagged = {path: answer for path, answer in files.items() if answer.get("etag")}
    few = sample(tagged, 10)
    for form, which in (
        ("{etag}", tagged), ("W/{etag}", few), ('"other", {etag}', few), ("*", few),
    ):  # fmt: skip
        # A tag that is weak already is not made weaker.
        asks = {
            path: answer for path, answer in which.items() if not form.startswith("W/") or answer.get("etag")[0] == '"'
        }
        for plain, answer in asked(site, asks, If_None_Match=form):
            if answer.status != httpx.codes.NOT_MODIFIED or answer.wire:
                yield f"{plain.path} If-None-Match: {form}: {answer.said}, expected 304"
            else:
                # A Vary that is missing changes nothing of what is kept.
                same = differing(plain, answer, ("etag", "cache-control", *(["vary"] if answer.get("vary") else [])))
                yield from (f"{plain.path} If-None-Match: {form}: 304 with {line}" for line in same)
    for coding in ("gzip", "br"):
        coded = {path: answer for path, answer in site.coded(coding).items() if path in few and answer.get("etag")}
        for plain, answer in asked(site, coded, If_None_Match="{etag}", Accept_Encoding=coding):
            if answer.status != httpx.codes.NOT_MODIFIED:
                yield f"{plain.path} for {coding} If-None-Match: {{etag}}: {answer.said}, expected 304"


@check(
    "http.validators",
    severity="major",
    needs="url",
    fix="Make ETag of the content, or of a time that differs with it (nginx/assemble.mjs); send no fixed Last-Modified",
)
def validators(subject: Subject) -> Iterator[str]:
    """Nothing that changes can be answered 304: other bytes have another ETag, and no fixed time stands for a file."""
    site = subject.site
    files = served(site)
    few = sample(files, 10)
    for name, text in (
        ("If-None-Match", '"of-another-release"'),
        ("If-Modified-Since", "Fri, 01 Jan 1971 00:00:00 GMT"),
        # Who got no Last-Modified may ask with the time at which he got the file.
        ("If-Modified-Since", site.shell.get("date")),
    ):
        which = {} if text == site.shell.get("date") and site.shell.get("last-modified") else few
        for plain, answer in asked(site, which, **{name: text}):
            if answer.status == httpx.codes.NOT_MODIFIED:
                yield f"{plain.path} {name}: {text}: {answer.said}, expected the file"
    times: dict[str, set[bytes]] = {}
    tags: dict[str, dict[bytes, str]] = {}
    for path, answer in files.items():
        times.setdefault(answer.get("last-modified"), set()).add(answer.digest)
        tags.setdefault(answer.get("etag"), {}).setdefault(answer.digest, path)
    for time, digests in times.items():
        if time and len(digests) > 1 and _fixed(time):
            yield f"{len(digests)} files that differ: Last-Modified: {time}"
    for tag, paths in tags.items():
        if tag and len(paths) > 1:
            yield f"{' and '.join(sorted(paths.values())[:2])} differ: ETag: {tag} for both"
    yield from _shared(subject)


def _shared(subject: Subject) -> Iterator[str]:
    """Codings of one file with one strong ETag: a cache would join the halves of two."""
    forms: dict[str, dict[str, str]] = {}
    for coding in ("identity", "gzip", "br"):
        for path, answer in subject.site.coded(coding).items():
            tag = answer.get("etag")
            given = answer.get("content-encoding") or "identity"
            if answer.found and tag.startswith('"') and forms.setdefault(path, {}).setdefault(tag, given) != given:
                yield f"{path}: ETag: {tag} for both {forms[path][tag]} and {given}"


def _seconds(policy: str) -> int:
    return max(map(int, re.findall(r"(?:max-age|s-maxage)=(\d{1,18})", policy)), default=0)


def _fixed(time: str) -> bool:
    try:
        return parsedate_to_datetime(time).timestamp() <= ARCHIVES_BEGIN
    except (ValueError, OverflowError):
        return True
