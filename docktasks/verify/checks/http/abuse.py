"""Requests that no browser sends. Each is refused, or answered quickly and without harm. Bodies show what leaks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.verify.checks.http.samples import MISSING_NAME, index_page, ok_files, raw_request
from docktasks.verify.probes.crawler import HIDDEN_PATH, Site
from docktasks.verify.probes.raw_socket import RawResponse
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

FOREIGN_HOST = "canary-5f2c.example"
OUTSIDE_CONTENT = re.compile(
    rb"root:[^:\n]*:0:0:|worker_connections|try_files|daemon off|NGINX_VERSION=|\[core\]\s|-----BEGIN [A-Z ]*PRIVATE"
)
"""Found only in files outside the site: passwd, the server's configuration and environment, a repository, a key."""
HARMLESS_5XX = 501, 505  # "not implemented", "version not supported"
HIDDEN_NAMES = (
    ".env", ".env.production", ".git/HEAD", ".git/config", ".gitignore", ".npmrc", ".htaccess", ".htpasswd",
    ".DS_Store", ".ssh/id_rsa", ".aws/credentials", ".index.html.swp", ".vite/manifest.json", "assets/.env",
)  # fmt: skip
BACKUP_NAMES = (
    "{}~", "{}.bak", "{}.BAK", "{}.old", "{}.orig", "{}.save", "{}.swp", ".{}.swp", ".{}.swn", "{}.tmp", "{}.rej",
    "#{}#", ".#{}", "{}.1~",
)  # fmt: skip
"""How editors and tools name copies of a file."""
MAX_BACKED_UP_FILES = 20
PARENTS = (
    "..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "..%00", "..;", "%c0%ae%c0%ae", "%uff0e%uff0e", "%e0%80%ae%e0%80%ae",
)  # fmt: skip
SLASHES = "/", "%2f", "%252f", "\\", "%5c", "%c0%af", "//"
PASSWD, *OTHER_OUTSIDE_FILES = "etc/passwd", "etc/nginx/nginx.conf", "proc/self/environ"
METHODS = "POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND", "MKCOL", "BREW", "get"


@check("http.hidden-files", "major", fix="Keep them out of the image; answer 404 for dotfiles and backups (site.conf)")
def hidden_files(subject: Subject) -> Iterator[str]:
    """Dotfiles, repositories and backup files of editors are never served."""
    site = subject.site
    index_page(site)
    files = [path.removeprefix(site.home) for path in ok_files(site) if "." in path.rpartition("/")[2]]
    names = [*HIDDEN_NAMES, *filter(HIDDEN_PATH.search, subject.shipped_files)]
    for file in ("index.html", *files[:MAX_BACKED_UP_FILES]):
        folder, slash, name = file.rpartition("/")
        names += [f"{folder}{slash}{backup.format(name)}" for backup in BACKUP_NAMES]
    for response in site.get_all(site.home + name.replace("#", "%23") for name in dict.fromkeys(names)):
        if response.is_ok and response.digest != site.index.digest:
            yield f"{response.path}: {response.summary}, {response.size} bytes of {response.media_type or 'no type'}"


@check("http.traversal", "major", fix="Serve files below one root, and end an alias with a slash (site.conf)")
def traversal(subject: Subject) -> Iterator[str]:
    """No path leads out of the site, however its dots and slashes are written."""
    site = subject.site
    index_page(site)
    lines = [f"GET {target}" for target in _targets_outside(site)]
    answers = site.send_raw(*(raw_request(site, f"{line} HTTP/1.1") for line in lines))
    for line, answer in zip(lines, answers, strict=True):
        if leak := OUTSIDE_CONTENT.search(answer.body):
            yield f"{line}: {answer.status}, with {leak[0].decode('latin-1')!r}"
        yield from _faults(line, answer)


def _targets_outside(site: Site) -> Iterator[str]:
    assets = f"{site.home}assets"
    for slash in SLASHES:
        yield from (f"{site.home}{(parent + slash) * 6}{PASSWD}" for parent in PARENTS)
        yield from (f"{assets}{start}{slash}{PASSWD}" for start in ("..", "/..", "../..", "/../../.."))
    for folder in (assets, f"{assets}.."):
        yield from (f"{folder}/../../../{file}" for file in (PASSWD, *OTHER_OUTSIDE_FILES))
    yield from (f"{start}{PASSWD}" for start in ("/", "//", "file:///"))
    yield from ("/%00", f"{site.home}index.html%00.js")
    yield from (f"{assets}../{file}" for file in (".git/config", "site.conf", "../nginx/nginx.conf"))


@check("http.methods", "major", fix="Answer 405 with Allow to all methods but GET and HEAD (site.conf)")
def methods(subject: Subject) -> Iterator[str]:
    """Methods other than GET and HEAD are refused. TRACE does not echo, and a 405 has the header Allow."""
    site = subject.site
    index_page(site)
    lines = [f"{method} {site.home}{MISSING_NAME}.txt" for method in METHODS]
    headers = f"X-Canary: {FOREIGN_HOST}", "Content-Length: 0"
    answers = site.send_raw(*(raw_request(site, f"{line} HTTP/1.1", *headers) for line in lines))
    for line, answer in zip(lines, answers, strict=True):
        yield from _method_faults(line, answer)
        yield from _faults(line, answer)
    (tunnel,) = site.send_raw(raw_request(site, f"CONNECT {FOREIGN_HOST}:80 HTTP/1.1"))
    if _is_accepted(tunnel):
        yield f"CONNECT {FOREIGN_HOST}:80: {tunnel.status}"


def _method_faults(line: str, answer: RawResponse) -> Iterator[str]:
    method = line.partition(" ")[0]
    if _is_accepted(answer) and method != "OPTIONS":
        yield f"{line}: {answer.status}"
    if FOREIGN_HOST.encode() in answer.body:
        yield f"{line}: {answer.status} echoes the request"
    has_allow = re.search(r"(?im)^allow:", answer.head)
    if answer.status == 405 and not has_allow and method != "TRACE":  # noqa: PLR2004 - stock nginx sends none for TRACE
        yield f"{line}: 405 without Allow"


def _is_accepted(answer: RawResponse) -> bool:
    return 0 < answer.status < 400  # noqa: PLR2004 - HTTP's errors begin there


@check("http.malformed", "major", fix="Use a server that refuses what RFC 9112 calls malformed (nginx since 1.21)")
def malformed(subject: Subject) -> Iterator[str]:
    """A malformed or huge request gets one answer, quickly, and no 5xx. A second request hidden in it gets none."""
    site = subject.site
    index_page(site)
    requests = _malformed_requests(site) | _smuggling_requests(site)
    for name, answer in zip(requests, site.send_raw(*requests.values()), strict=True):
        if answer.response_count > 1:
            yield f"{name}: {answer.response_count} answers, so a second request can be hidden in it"
        if re.search(r"(?im)^x-canary:", answer.head):
            yield f"{name}: became a header of the answer"
        yield from _faults(name, answer)


def _malformed_requests(site: Site) -> dict[str, bytes]:
    get = f"GET {site.home} HTTP/1.1"
    return {
        "a header of 100 kB": raw_request(site, get, f"X-A: {'a' * 100_000}"),
        "5,000 headers": raw_request(site, get, *(f"X-{number}: a" for number in range(5000))),
        "a URL of 100 kB": raw_request(site, f"GET {site.home}{'a' * 100_000} HTTP/1.1"),
        "a bare CR": raw_request(site, get, "X-A: a\rX-B: b"),
        "a bare LF": raw_request(site, get, "X-A: a").replace(b"\r\n", b"\n"),
        "a folded header": raw_request(site, get, "X-A: a", " b"),
        "a space before the colon": raw_request(site, get, "X-A : a"),
        "a null byte": raw_request(site, get, "X-A: a\0b"),
        "no colon": raw_request(site, get, "X-A"),
        "HTTP version 9.9": raw_request(site, f"GET {site.home} HTTP/9.9"),
        "an invalid % escape": raw_request(site, f"GET {site.home}%zz HTTP/1.1"),
        "escaped line ends": raw_request(site, f"GET {site.home}%0d%0aX-Canary:%20{FOREIGN_HOST} HTTP/1.1"),
    }


def _smuggling_requests(site: Site) -> dict[str, bytes]:
    """Requests whose body is a second request, if a server misreads the length."""
    body = f"0\r\n\r\nGET {site.home}{MISSING_NAME}.txt HTTP/1.1\r\nHost: {FOREIGN_HOST}\r\n\r\n"
    lengths = {
        "Content-Length and chunked": ("Content-Length: 4", "Transfer-Encoding: chunked"),
        "two lengths": ("Content-Length: 4", f"Content-Length: {len(body)}"),
        "a negative length": ("Content-Length: -1",),
        "an unknown transfer encoding": ("Transfer-Encoding: xchunked",),
    }
    start = f"POST {site.home} HTTP/1.1\r\nHost: {site.origin.partition('//')[2]}"
    return {name: "\r\n".join([start, *lines, "", body]).encode() for name, lines in lengths.items()}


@check("http.host", "major", fix="Build no redirect from Host (absolute_redirect off), or answer only known hosts")
def host(subject: Subject) -> Iterator[str]:
    """A foreign, invalid, missing or double Host is refused, or appears nowhere in the answer."""
    site = subject.site
    index_page(site)
    requests = _requests_with_odd_hosts(site)
    answers = site.send_raw(*("\r\n".join([*lines, "Connection: close", "", ""]).encode() for lines in requests))
    for (line, *headers), answer in zip(requests, answers, strict=True):
        request = ", ".join([line.removesuffix(" HTTP/1.1"), *headers]) + ("" if headers else ", no Host")
        location = re.search(r"(?im)^location: *(\S*)", answer.head)
        if location and FOREIGN_HOST in location[1]:
            yield f"{request}: {answer.status} to {location[1]}"
        elif FOREIGN_HOST.encode() in answer.body:
            yield f"{request}: {answer.status}, with the foreign host in the page"
        yield from _faults(request, answer)


def _requests_with_odd_hosts(site: Site) -> tuple[tuple[str, ...], ...]:
    """The request line and headers of each."""
    home, assets, foreign = site.home, f"{site.home}assets", f"Host: {FOREIGN_HOST}"
    return (
        (f"GET {home} HTTP/1.1", foreign),
        (f"GET {assets} HTTP/1.1", foreign),
        (f"GET {assets}/ HTTP/1.1", foreign),
        (f"GET {home}{MISSING_NAME} HTTP/1.1", foreign, f"X-Forwarded-Host: {FOREIGN_HOST}"),
        (f"GET http://{FOREIGN_HOST}{home} HTTP/1.1", "Host: localhost"),
        (f"GET http://{FOREIGN_HOST}{assets} HTTP/1.1", foreign),
        (f"GET //{FOREIGN_HOST}/.. HTTP/1.1", "Host: localhost"),
        (f"GET {home} HTTP/1.1", f"Host: localhost {FOREIGN_HOST}"),
        (f"GET {home} HTTP/1.1", foreign, "Host: localhost"),
        (f"GET {home} HTTP/1.1", f"{foreign}:99999/<x>"),
        (f"GET {home} HTTP/1.1",),
        (f"GET {home} HTTP/1.0",),
    )


def _faults(request: str, answer: RawResponse) -> Iterator[str]:
    """What no request may cause: an error of the server, or an answer without end."""
    if answer.status >= 500 and answer.status not in HARMLESS_5XX:  # noqa: PLR2004 - HTTP's errors of the server
        yield f"{request}: {answer.status}"
    elif not answer.is_closed:
        yield f"{request}: no end after {len(answer.data)} bytes"
