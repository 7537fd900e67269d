"""Requests that no browser sends, as bytes: what each is, and its text. None of them can change a site."""

from __future__ import annotations

from urllib.parse import quote

from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import SAFE_IN_A_PATH
from docktasks.verify.probes.places import MAX_FILES, MISSING_NAME, NAMES, file_sample, folders_of
from docktasks.verify.probes.ways import FOREIGN_HOST, FOREIGN_ORIGIN, targets

Requests = dict[str, bytes]
PASSWD, *OTHER_OUTSIDE_FILES = "etc/passwd", "etc/nginx/nginx.conf", "proc/self/environ"
METHODS = "POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND", "MKCOL", "PURGE", "BREW", "get"
MAX_FOLDERS = 20
MARKUP, MARKED_HEADERS = "<x-5f2c>", ("User-Agent", "Referer", "Cookie", "X-Forwarded-For")


def _request(site: Site, line: str, *headers: str) -> bytes:
    """A request with this request line and these header lines, sent as they are. The connection closes after it."""
    return _lines(line, f"Host: {site.origin.partition('//')[2]}", *headers, "Connection: close")


def _lines(*head: str, body: str = "") -> bytes:
    return "\r\n".join([*head, "", body]).encode("latin-1")


def as_sent(path: str) -> str:
    """Return a path as it is in a request line, which has no spaces and only ASCII."""
    return quote(path, safe=SAFE_IN_A_PATH)


def _folders(site: Site) -> list[str]:
    return [as_sent(folder) for folder in folders_of(site)[:MAX_FOLDERS]]


def traversal(site: Site) -> Requests:
    """Paths that lead out of the site, if a server reads them so."""
    assets, paths = f"{site.home}assets", list[str]()
    for slash in NAMES["slashes"]:
        paths += [f"{site.home}{(parent + slash) * 6}{PASSWD}" for parent in NAMES["parents"]]
        paths += [f"{assets}{start}{slash}{PASSWD}" for start in ("..", "/..", "../..", "/../../..")]
    for folder in (assets, f"{assets}.."):
        paths += [f"{folder}/../../../{file}" for file in (PASSWD, *OTHER_OUTSIDE_FILES)]
    paths += [f"{start}{PASSWD}" for start in ("/", "//", "file:///")]
    paths += ["/%00", f"{site.home}index.html%00.js"]
    paths += [f"{assets}../{file}" for file in (".git/config", "site.conf", "../nginx/nginx.conf")]
    common = [f"{site.home}{name}../" for name in NAMES["common_folders"]]
    paths += [f"{folder}{file}" for folder in common for file in (PASSWD, "nginx.conf", ".git/config")]
    return {f"GET {path}": _request(site, f"GET {path} HTTP/1.1") for path in paths}


def slips(site: Site) -> dict[str, str]:
    """Path -> the file that it gives away, where an `alias` lacks its slash: the folder's own name follows `..`.

    The first is a control, from a folder that is not there.
    """
    paths = {f"{site.home}{MISSING_NAME}../index.html": site.index.path}
    for folder in folders_of(site)[:MAX_FOLDERS]:
        file = next((path for path in site.files if path.startswith(f"{folder}/") and site.files[path].is_ok), "")
        if file:
            paths[f"{folder}../{folder.rpartition('/')[2]}{file.removeprefix(folder)}"] = file
    for folder in [*folders_of(site)[:MAX_FOLDERS], *(site.home + name for name in NAMES["common_folders"])]:
        paths |= {f"{folder}../{root}index.html": site.index.path for root in ("", "site/", "html/", "dist/")}
    return paths


def methods(site: Site) -> Requests:
    """Methods that nothing answers, for a file that is not there, and a tunnel."""
    headers = f"X-Canary: {FOREIGN_HOST}", "Content-Length: 0"
    lines = [f"{method} {site.home}{MISSING_NAME}.txt" for method in METHODS]
    lines += [f"PURGE {folder}/{MISSING_NAME}.txt" for folder in _folders(site)]  # caches obey it
    return {line: _request(site, f"{line} HTTP/1.1", *headers) for line in lines} | {
        f"CONNECT {FOREIGN_HOST}:80": _request(site, f"CONNECT {FOREIGN_HOST}:80 HTTP/1.1")
    }


def heads(site: Site) -> Requests:
    """HEAD, of which each byte that follows the headers counts."""
    paths = site.home, f"{site.home}{MISSING_NAME}.txt"
    return {f"HEAD {path}": _request(site, f"HEAD {path} HTTP/1.1") for path in paths}


def malformed(site: Site) -> Requests:
    """Requests that are malformed or huge, and bodies that are a second request, if a server misreads the length."""
    get = f"GET {site.home} HTTP/1.1"
    return {
        "a header of 100 kB": _request(site, get, f"X-A: {'a' * 100_000}"),
        "5,000 headers": _request(site, get, *(f"X-{number}: a" for number in range(5000))),
        "a URL of 100 kB": _request(site, f"GET {site.home}{'a' * 100_000} HTTP/1.1"),
        "a bare CR": _request(site, get, "X-A: a\rX-B: b"),
        "a bare LF": _request(site, get, "X-A: a").replace(b"\r\n", b"\n"),
        "a folded header": _request(site, get, "X-A: a", " b"),
        "a space before the colon": _request(site, get, "X-A : a"),
        "a null byte": _request(site, get, "X-A: a\0b"),
        "no colon": _request(site, get, "X-A"),
        "HTTP version 9.9": _request(site, f"GET {site.home} HTTP/9.9"),
        "an invalid % escape": _request(site, f"GET {site.home}%zz HTTP/1.1"),
        **_markup(site),
        **_line_ends(site),
        **_smuggling(site),
    }


def _markup(site: Site) -> Requests:
    """An element in the path or in headers of a request that a page of an error answers."""
    missing, accept = f"GET {site.home}{MISSING_NAME}", ("Accept: text/html", "Sec-Fetch-Dest: empty")
    path, headers = f"%3C{MARKUP[1:-1]}%3E.js?a={MARKUP}", [f"{name}: {MARKUP}" for name in MARKED_HEADERS]
    return {
        "markup in a path": _request(site, f"{missing}{path} HTTP/1.1", *accept),
        "markup in a path that is posted": _request(site, f"POST{missing[3:]}{path} HTTP/1.1", *accept),
        "markup in headers": _request(site, f"{missing}.js HTTP/1.1", *accept, *headers),
    }


def _line_ends(site: Site) -> Requests:
    """Escaped line ends, in a path of each kind and in the headers of proxies."""
    line_end = "%0d%0aX-Canary:%201"  # without a dot, which would make it a file's name
    folders = [*_folders(site), *_leading(site)]
    paths = [f"{site.home}{start}{line_end}" for start in ("", f"{MISSING_NAME}.txt", "?a=", targets(line_end))]
    ends = line_end, f"/{line_end}", f"/{line_end}/", f"/{line_end.replace('%0a', '')}"  # a rule of `.*` ends before LF
    paths += [f"{folder}{end}" for folder in folders for end in ends]
    headers = [f"X-Forwarded-{name}: a{line_end}" for name in ("Host", "Proto", "Prefix", "Port")]
    headers += [f"Cookie: a={line_end}", f"Referer: http://a/{line_end}", f"Accept-Language: en{line_end}"]
    return {f"line ends in {path}": _request(site, f"GET {path} HTTP/1.1") for path in paths} | {
        f"line ends in {header.partition(':')[0]} of {path}": _request(site, f"GET {path} HTTP/1.1", header)
        for header in headers
        for path in [site.home, *folders[:1]]
    }


def _smuggling(site: Site) -> Requests:
    body = f"0\r\n\r\nGET {site.home}{MISSING_NAME}.txt HTTP/1.1\r\nHost: {FOREIGN_HOST}\r\n\r\n"
    lengths = {
        "Content-Length and chunked": ("Content-Length: 4", "Transfer-Encoding: chunked"),
        "two lengths": ("Content-Length: 4", f"Content-Length: {len(body)}"),
        "a negative length": ("Content-Length: -1",),
        "an unknown transfer encoding": ("Transfer-Encoding: xchunked",),
    }
    start = f"POST {site.home} HTTP/1.1", f"Host: {site.origin.partition('//')[2]}"
    return {name: _lines(*start, *lines, body=body) for name, lines in lengths.items()}


def hosts(site: Site) -> Requests:
    """A host that is foreign, invalid, missing or there twice, in each header and in the path."""
    home, foreign = site.home, f"Host: {FOREIGN_HOST}"
    folders = _folders(site) or [f"{home}assets"]
    lines: list[tuple[str, ...]] = [
        *((f"{method} {home} HTTP/1.1", foreign) for method in ("GET", "POST")),
        *((f"GET {folder}{end} HTTP/1.1", foreign) for folder in folders for end in ("", "/")),
        (f"GET {home}{MISSING_NAME}.txt HTTP/1.1", foreign, f"X-Forwarded-Host: {FOREIGN_HOST}"),
        (f"GET http://{FOREIGN_HOST}{home} HTTP/1.1", "Host: localhost"),
        (f"GET http://{FOREIGN_HOST}{folders[0]} HTTP/1.1", foreign),
        (f"GET {home} HTTP/1.1", f"Host: localhost {FOREIGN_HOST}"),
        (f"GET {home} HTTP/1.1", foreign, "Host: localhost"),
        (f"GET {home} HTTP/1.1", f"{foreign}:99999/<x>"),
        (f"GET {home} HTTP/1.1",),
        (f"GET {home} HTTP/1.0",),
    ]
    return {_in_words(*line): _lines(*line, "Connection: close") for line in lines}


def foreign_paths(site: Site) -> Requests:
    """Paths that a browser takes for another host, if a redirect repeats them. The Host is localhost."""
    home = site.home
    starts = [f"{start}{FOREIGN_HOST}" for start in ("//", f"{home}/", "/\\", "/%5c", "/%2f", "///")]
    paths = [f"{start}{end}" for start in dict.fromkeys(starts) for end in NAMES["page_ends"]]
    inner = [f"/{FOREIGN_ORIGIN}", *starts[::2], f"//{FOREIGN_HOST}/.."]
    paths += [f"{folder}{start}" for folder in [*_folders(site)[:3], *_leading(site)] for start in inner]
    headers = "Host: localhost", "Connection: close"
    return {f"GET {path}": _lines(f"GET {path} HTTP/1.1", *headers) for path in paths}


def _in_words(line: str, *headers: str) -> str:
    return ", ".join([line.removesuffix(" HTTP/1.1"), *headers]) + ("" if headers else ", no Host")


def _leading(site: Site) -> list[str]:
    """Folders that lead elsewhere on many sites, or that the server's configuration names, and one of an app."""
    names = "go", "out", "redirect", "r", MISSING_NAME
    return [*(f"{site.home}{name}" for name in names), *map(as_sent, site.words.paths)]


def old(site: Site) -> Requests:
    """Requests by HTTP/1.0, as of some health checks and proxies: for the first page, files, and an unknown page."""
    paths = [site.index.path, *map(as_sent, file_sample(site, MAX_FILES)), f"{site.home}{MISSING_NAME}"]
    return {f"GET {path} HTTP/1.0": _request(site, f"GET {path} HTTP/1.0", "Accept: text/html") for path in paths}


ALL = traversal, methods, heads, malformed, hosts, foreign_paths, old
