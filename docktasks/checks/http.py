"""What a user gets: judged from outside, at the published address."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator

import httpx

from docktasks.checks import Skip, check
from docktasks.checks.subject import Subject

WORTH_COMPRESSING = 1024
"""Bytes from which a text has to be compressed."""

MISSING = "no-such-file-5f2c"  # nothing a site would have
TYPES = mimetypes.MimeTypes()  # Python's own table, not the machine's: the same verdict everywhere
for _type, _suffix in (
    ("text/javascript", ".js"), ("text/javascript", ".mjs"), ("application/wasm", ".wasm"), ("font/woff2", ".woff2"),
    ("font/woff", ".woff"), ("image/avif", ".avif"), ("image/webp", ".webp"), ("image/x-icon", ".ico"),
    ("application/manifest+json", ".webmanifest"),
):  # fmt: skip
    TYPES.add_type(_type, _suffix)
# Vite's names of hashed files end in a dash and eight characters; eight small letters, or digits, may be a word or a
# date, and an image may come from public/: so from outside these are known as hashed at best, the others for certain.
LIKE_HASHED = re.compile(r"-[\w-]{8}\.[^/]+$")
HASHED = re.compile(r"/assets/.*-(?=[\w-]*[A-Za-z])(?=[\w-]*[A-Z0-9_])[\w-]{8}\.(?:m?js|css)$")
SECURITY = {
    "content-security-policy": r".",  # and _csp_faults
    "x-content-type-options": r"^nosniff$",
    "referrer-policy": r"^(no-referrer|same-origin|strict-origin)",
    "permissions-policy": r".",
    "cross-origin-opener-policy": r"^same-origin",
    "cross-origin-resource-policy": r"^same-(origin|site)$",
}


def _assets(subject: Subject) -> dict[str, httpx.Response]:
    """The hashed files of the site; a Vite build has at least one."""
    found = {path: answer for path, answer in subject.files.items() if "/assets/" in path}
    if not found:
        raise Skip("index.html names no file below /assets/")
    return found


def _kinds(subject: Subject) -> dict[str, httpx.Response]:
    """One answer of each kind, by what it is: the shell, an asset, a missing asset, a missing file."""
    path, answer = min(_assets(subject).items())
    folder = path.rpartition("/")[0]
    return {
        "/ (shell)": subject.shell,
        f"{path} (asset)": answer,
        f"{folder}/{MISSING}.js (missing asset)": subject.get(f"{folder}/{MISSING}.js"),
        f"/{MISSING}.txt (missing file)": subject.get(f"/{MISSING}.txt"),
    }


@check(
    "http.files",
    severity="critical",
    needs="url",
    fix="Build again; if it stays, look for the file in /srv/site of the image and for its type in mime.types",
)
def files(subject: Subject) -> Iterator[str]:
    """Every file that index.html and its chunks name answers 200 with the type its name promises."""
    answer = subject.shell
    if answer.status_code != httpx.codes.OK or not answer.headers.get("content-type", "").startswith("text/html"):
        yield f"/: {answer.status_code} {answer.headers.get('content-type', 'without a type')}"
    if not subject.files:
        yield "index.html names no file at all"
    for path, answer in subject.files.items():
        wanted = TYPES.guess_type(path)[0]
        given = answer.headers.get("content-type", "").partition(";")[0]
        if answer.status_code != httpx.codes.OK or (wanted and given != wanted):
            yield f"{path}: {answer.status_code} {given or 'without a type'}, expected 200 {wanted or ''}".rstrip()


@check(
    "http.deep-link",
    severity="critical",
    needs="url",
    fix="Serve index.html for paths without a file extension (try_files in nginx/)",
)
def deep_link(subject: Subject) -> Iterator[str]:
    """A deep link answers 200 with the shell, so that a reload inside the app works."""
    for path in (f"/{MISSING}", f"/{MISSING}/deeper?query=1"):
        answer = subject.get(path)
        if answer.status_code != httpx.codes.OK:
            yield f"{path}: {answer.status_code}"
        elif answer.content != subject.shell.content:
            yield f"{path}: 200, but not the shell ({len(answer.content)} bytes against {len(subject.shell.content)})"


@check(
    "http.missing",
    severity="critical",
    needs="url",
    fix="Answer 404 for a missing file (=404 in try_files); the shell in its place breaks the page in silence",
)
def missing(subject: Subject) -> Iterator[str]:
    """A missing asset or file answers 404, never the shell."""
    for what, answer in _kinds(subject).items():
        if "missing" in what and answer.status_code != httpx.codes.NOT_FOUND:
            yield f"{what}: {answer.status_code}"


@check(
    "http.cache-policy",
    severity="critical",
    needs="url",
    fix="no-cache for the shell, one year and immutable for /assets/, and neither for errors (nginx/)",
)
def cache_policy(subject: Subject) -> Iterator[str]:
    """The shell is revalidated always, hashed assets alone are kept for a year, and an error never."""
    for path in ("/", f"/{MISSING}"):
        policy = subject.get(path).headers.get("cache-control", "")
        if "no-cache" not in policy or "immutable" in policy:
            yield f"{path}: Cache-Control: {policy or 'missing'}"
    for path, answer in subject.files.items():
        policy = answer.headers.get("cache-control", "")
        for_a_year = "immutable" in policy and "max-age=31536000" in policy
        wanted = LIKE_HASHED.search(path) if for_a_year else not HASHED.search(path)
        if answer.status_code == httpx.codes.OK and not wanted:
            yield f"{path}: Cache-Control: {policy or 'missing'}"
    for what, answer in _kinds(subject).items():
        policy = answer.headers.get("cache-control", "")
        if "missing" in what and re.search(r"immutable|max-age=[1-9]", policy):
            yield f"{what}: Cache-Control: {policy}"


@check(
    "http.security-headers",
    severity="major",
    needs="url",
    fix="Set them once at server level, with `always`; an add_header in a location drops those of the server (nginx/)",
)
def security_headers(subject: Subject) -> Iterator[str]:
    """The security headers stand exactly once on the shell, an asset and an error, and no server version does."""
    for what, answer in _kinds(subject).items():
        for name, pattern in SECURITY.items():
            given = answer.headers.get_list(name)
            if len(given) != 1:
                yield f"{what}: {name} stands {len(given)} times"
            elif not re.search(pattern, given[0]):
                yield f"{what}: {name}: {given[0]}"
        if len(answer.headers.get_list("content-security-policy")) == 1:
            yield from (f"{what}: content-security-policy: {fault}" for fault in _csp_faults(answer))
        if re.search(r"/\d", answer.headers.get("server", "")):
            yield f"{what}: server: {answer.headers['server']}"


@check(
    "http.encoding",
    severity="major",
    needs="url",
    fix="Make the compressed twins in the builder, and serve them by Accept-Encoding with Vary (nginx/)",
)
def encoding(subject: Subject) -> Iterator[str]:
    """Brotli and gzip go to who accepts them alone, with Vary, and decode to the same bytes, file by file."""
    texts = {"/": subject.shell} | {path: plain for path, plain in _assets(subject).items() if _is_text(plain)}
    for path, plain in texts.items():
        for coding in ("br", "gzip"):
            answer = subject.get(path, Accept_Encoding=coding)
            given = answer.headers.get("content-encoding", "none")
            asked = f"{path} for Accept-Encoding: {coding}"
            # A small file may be served as it is: compressed it would be no smaller.
            if given != coding and (given != "none" or len(plain.content) >= WORTH_COMPRESSING):
                yield f"{asked}: Content-Encoding: {given}"
            elif given == coding and "accept-encoding" not in answer.headers.get("vary", "").lower():
                yield f"{asked}: no Vary: Accept-Encoding"
            elif answer.content != plain.content:
                yield f"{asked}: decodes to other bytes than the plain file"
    largest = max(texts, key=lambda path: len(texts[path].content))
    for refusing in ("identity", "br;q=0, gzip;q=0"):
        given = subject.get(largest, Accept_Encoding=refusing).headers.get("content-encoding", "")
        if given:
            yield f"{largest} for Accept-Encoding: {refusing}: Content-Encoding: {given}"


def _csp_faults(answer: httpx.Response) -> Iterator[str]:
    """What the policy lets in: scripts and plugins of any source but the site's own, frames, or another base."""
    parts = [part.split() for part in answer.headers.get("content-security-policy", "").split(";") if part.strip()]
    policy = {name.lower(): sources for name, *sources in reversed(parts)}  # the first of a name counts
    default = policy.get("default-src", [])
    for name, allowed in (
        ("default-src", {"'self'", "'none'"}),
        ("script-src", {"'self'", "'none'"}),
        ("object-src", {"'none'"}),
        ("base-uri", {"'self'", "'none'"}),
        ("frame-ancestors", {"'self'", "'none'"}),
    ):
        sources = policy.get(name, default if name.endswith("-src") else [])
        if not sources or set(sources) - allowed:
            yield f"{name} {' '.join(sources) or 'is missing'}"
    yield from (f"{name} *" for name, sources in policy.items() if "*" in sources and name != "default-src")


def _is_text(answer: httpx.Response) -> bool:
    kind = answer.headers.get("content-type", "")
    return answer.status_code == httpx.codes.OK and kind.startswith(("text/", "application/json", "image/svg"))
