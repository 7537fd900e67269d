"""Requests that no browser sends: each is refused, or answered without harm, and soon. Leaks are judged by the body."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.verify.checks.http.files import request
from docktasks.verify.checks.http.samples import MISSING, page, served
from docktasks.verify.probes.crawler import HIDDEN as NEVER
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.raw_socket import Raw
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

CANARY = "canary-5f2c.example"
LEAKS = re.compile(
    rb"root:[^:\n]*:0:0:|worker_connections|try_files|daemon off|NGINX_VERSION=|\[core\]\s|-----BEGIN [A-Z ]*PRIVATE"
)
"""What only a file outside of the site holds: passwd, the server's configuration, its environment, a repository."""
FINE = 501, 505
"""Of the 5xx those that mean: this is not spoken here."""
HIDDEN = (
    ".env", ".env.production", ".git/HEAD", ".git/config", ".gitignore", ".npmrc", ".htaccess", ".htpasswd",
    ".DS_Store",     ".ssh/id_rsa", ".aws/credentials", ".index.html.swp", ".vite/manifest.json", "assets/.env",
)  # fmt: skip
LEFT = (
    "{}~", "{}.bak", "{}.BAK", "{}.old", "{}.orig", "{}.save", "{}.swp", ".{}.swp", ".{}.swn", "{}.tmp", "{}.rej",
    "#{}#", ".#{}", "{}.1~",
)  # fmt: skip
"""What editors and tools make of a file's name."""
UP = (
    "..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "..%00", "..;", "%c0%ae%c0%ae", "%uff0e%uff0e", "%e0%80%ae%e0%80%ae",
)  # fmt: skip
SLASH = "/", "%2f", "%252f", "\\", "%5c", "%c0%af", "//"
OUTSIDE = "etc/passwd", "etc/nginx/nginx.conf", "proc/self/environ"


@check(
    "http.hidden-files",
    severity="major",
    needs="url",
    fix="Keep them out of the image, and answer 404 for dotfiles and what editors leave behind (site.conf)",
)
def hidden_files(subject: Subject) -> Iterator[str]:
    """Dotfiles, repositories and what editors leave behind are not served, whether they are there or not."""
    site = subject.site
    page(site)
    files = [path.removeprefix(site.home) for path in served(site) if "." in path.rpartition("/")[2]][:20]
    names = list(HIDDEN)
    for folder, _, name in (path.rpartition("/") for path in ("index.html", *files)):
        inside = f"{folder}/" if folder else ""
        names += [f"{inside}{left.format(name)}" for left in LEFT]
    names += [path for path in subject.shipped if NEVER.search(path)]
    paths = [site.home + name.replace("#", "%23") for name in dict.fromkeys(names)]
    for answer in site.each(paths):
        if answer.found and answer.digest != site.shell.digest:
            yield f"{answer.path}: {answer.said}, {answer.size} bytes of {answer.type or 'no type'}"


@check(
    "http.traversal",
    severity="major",
    needs="url",
    fix="Serve files below one root; no alias without a slash at its end, no $uri glued to a path (nginx/)",
)
def traversal(subject: Subject) -> Iterator[str]:
    """No path leads out of the site, in whatever way its dots and slashes are written."""
    site = subject.site
    page(site)
    folder = f"{site.home}assets"
    targets = [f"{site.home}{(up + slash) * 6}{end}" for up in UP for slash in SLASH for end in OUTSIDE[:1]]
    targets += [
        f"{folder}{start}{slash}{OUTSIDE[0]}" for start in ("..", "/..", "../..", "/../../..") for slash in SLASH
    ]
    targets += [f"{base}/../../../{end}" for base in (folder, f"{folder}..") for end in OUTSIDE]
    targets += [f"/{OUTSIDE[0]}", f"//{OUTSIDE[0]}", f"file:///{OUTSIDE[0]}", "/%00", f"{site.home}index.html%00.js",
                f"{folder}../.git/config", f"{folder}../site.conf", f"{folder}../../nginx/nginx.conf"]  # fmt: skip
    sent = (request(site, f"GET {target} HTTP/1.1") for target in targets)
    for target, answer in zip(targets, site.raw(*sent), strict=True):
        if found := LEAKS.search(answer.body):
            yield f"GET {target}: {answer.status}, with {found[0].decode('latin-1')!r}"
        yield from _harmful(f"GET {target}", answer)


@check(
    "http.methods",
    severity="major",
    needs="url",
    fix="Answer 405 with Allow to all but GET and HEAD (site.conf)",
)
def methods(subject: Subject) -> Iterator[str]:
    """Only GET and HEAD are done: any other method is refused, TRACE does not echo, and a 405 says what is allowed."""
    site = subject.site
    page(site)
    path = f"{site.home}{MISSING}.txt"
    names = "POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND", "MKCOL", "BREW", "get"
    lines = f"X-Canary: {CANARY}", "Content-Length: 0"
    sent = (request(site, f"{method} {path} HTTP/1.1", *lines) for method in names)
    for method, answer in zip(names, site.raw(*sent), strict=True):
        if 0 < answer.status < 400 and method != "OPTIONS":  # noqa: PLR2004 - from here on it is refused
            yield f"{method} {path}: {answer.status}"
        if CANARY.encode() in answer.body:
            yield f"{method} {path}: {answer.status} echoes the request"
        if answer.status == 405 and method != "TRACE" and not re.search(r"(?im)^allow:", answer.head):  # noqa: PLR2004 - Not Allowed; stock nginx has none for TRACE
            yield f"{method} {path}: 405 without Allow"
        yield from _harmful(f"{method} {path}", answer)
    (tunnel,) = site.raw(request(site, f"CONNECT {CANARY}:80 HTTP/1.1"))
    if 0 < tunnel.status < 400:  # noqa: PLR2004 - as above
        yield f"CONNECT {CANARY}:80: {tunnel.status}"


@check(
    "http.malformed",
    severity="major",
    needs="url",
    fix="Use a server that refuses what RFC 9112 calls malformed (nginx since 1.21), with its limits left as they are",
)
def malformed(subject: Subject) -> Iterator[str]:
    """A malformed or huge request gets one answer, soon, and no 5xx; of two that hide in one the second gets none."""
    site = subject.site
    page(site)
    get = f"GET {site.home} HTTP/1.1"
    hidden = f"GET {site.home}{MISSING}.txt HTTP/1.1\r\nHost: {CANARY}\r\n\r\n"
    smuggled = f"0\r\n\r\n{hidden}"
    requests = {
        "a header of 100 kB": request(site, get, f"X-A: {'a' * 100_000}"),
        "5,000 headers": request(site, get, *(f"X-{number}: a" for number in range(5000))),
        "a URL of 100 kB": request(site, f"GET {site.home}{'a' * 100_000} HTTP/1.1"),
        "a bare CR": request(site, get, "X-A: a\rX-B: b"),
        "a bare LF": request(site, get, "X-A: a").replace(b"\r\n", b"\n"),
        "a folded header": request(site, get, "X-A: a", " b"),
        "a space before the colon": request(site, get, "X-A : a"),
        "a null byte": request(site, get, "X-A: a\0b"),
        "no colon": request(site, get, "X-A"),
        "a version of 9.9": request(site, f"GET {site.home} HTTP/9.9"),
        "a broken %": request(site, f"GET {site.home}%zz HTTP/1.1"),
        "control characters": request(site, f"GET {site.home}%0d%0aX-Canary:%20{CANARY} HTTP/1.1"),
        "both lengths": _body(site, "Content-Length: 4", "Transfer-Encoding: chunked", body=smuggled),
        "two lengths": _body(site, "Content-Length: 4", f"Content-Length: {len(smuggled)}", body=smuggled),
        "a negative length": _body(site, "Content-Length: -1", body=smuggled),
        "an odd coding": _body(site, "Transfer-Encoding: xchunked", body=smuggled),
    }
    for what, answer in zip(requests, site.raw(*requests.values()), strict=True):
        if answer.answers > 1:
            yield f"{what}: {answer.answers} answers, so that another request can hide in it"
        if re.search(r"(?im)^x-canary:", answer.head):
            yield f"{what}: became a header of the answer"
        yield from _harmful(what, answer)


@check(
    "http.host",
    severity="major",
    needs="url",
    fix="Build no link or redirect from Host (absolute_redirect off), or name the hosts that are answered",
)
def host(subject: Subject) -> Iterator[str]:
    """A foreign, bad, missing or double Host, or an absolute URL, is refused, or comes back in nothing."""
    site = subject.site
    page(site)
    assets = f"{site.home}assets"
    requests = (
        (f"GET {site.home} HTTP/1.1", f"Host: {CANARY}"),
        (f"GET {assets} HTTP/1.1", f"Host: {CANARY}"),
        (f"GET {assets}/ HTTP/1.1", f"Host: {CANARY}"),
        (f"GET {site.home}{MISSING} HTTP/1.1", f"Host: {CANARY}", f"X-Forwarded-Host: {CANARY}"),
        (f"GET http://{CANARY}{site.home} HTTP/1.1", "Host: localhost"),
        (f"GET http://{CANARY}{assets} HTTP/1.1", f"Host: {CANARY}"),
        (f"GET //{CANARY}/.. HTTP/1.1", "Host: localhost"),
        (f"GET {site.home} HTTP/1.1", f"Host: localhost {CANARY}"),
        (f"GET {site.home} HTTP/1.1", f"Host: {CANARY}", "Host: localhost"),
        (f"GET {site.home} HTTP/1.1", f"Host: {CANARY}:99999/<x>"),
        (f"GET {site.home} HTTP/1.1",),
        (f"GET {site.home} HTTP/1.0",),
    )
    sent = ("\r\n".join([*lines, "Connection: close", "", ""]).encode() for lines in requests)
    for (line, *headers), answer in zip(requests, site.raw(*sent), strict=True):
        what = ", ".join([line.removesuffix(" HTTP/1.1"), *headers]) + ("" if headers else ", no Host")
        location = re.search(r"(?im)^location: *(\S*)", answer.head)
        if location and CANARY in location[1]:
            yield f"{what}: {answer.status} to {location[1]}"
        elif CANARY.encode() in answer.body:
            yield f"{what}: {answer.status}, with the name in the page"
        yield from _harmful(what, answer)


def _harmful(what: str, answer: Raw) -> Iterator[str]:
    if answer.status >= 500 and answer.status not in FINE:  # noqa: PLR2004 - the server's own fault
        yield f"{what}: {answer.status}"
    elif not answer.ended:
        yield f"{what}: no end after {len(answer.data)} bytes"


def _body(site: Site, *headers: str, body: str) -> bytes:
    host = site.origin.partition("//")[2]
    return "\r\n".join([f"POST {site.home} HTTP/1.1", f"Host: {host}", *headers, "", body]).encode()
