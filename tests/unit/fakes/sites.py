"""A site in memory, as Vite builds it and nginx serves it. Faults change its answers."""

from __future__ import annotations

import gzip
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

import httpx

from docktasks.verify.probes import crawler
from docktasks.verify.probes.connection import Connection, Headers, Reply
from docktasks.verify.probes.raw_socket import RawResponse, parse
from docktasks.verify.subject import Subject

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "server": "nginx",
}
UNHASHED = "assets/logo-original.svg"
"""A file of public/. Its name ends in eight characters like a hash, but they are a word."""

TYPES = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "png": "image/png",
}


def compress(body: bytes) -> bytes:
    """Compress with brotli, as the builder does. import_module hides the package from mypy: it has no types."""
    return bytes(importlib.import_module("brotli").compress(body))


@dataclass
class Answer:
    """An answer of the site. A fault changes it in place."""

    status: int
    body: bytes
    headers: dict[str, list[str]] = field(default_factory=dict)

    def set(self, name: str, *values: str) -> None:
        """Set a header to these values, each in a line of its own. Without values, remove it."""
        self.headers[name] = list(values)


Fault = Callable[[httpx.Request, Answer], None]


def files(base: str = "/") -> dict[str, str]:
    """Return the files of `vite build`: index.html, an entry script that loads and preloads a chunk, styles, a font."""
    preloads = '["assets/About-C2bRt-8x.js","assets/About-Dx3cWm4L.css"]'
    return {
        f"{base}index.html": (
            f'<!doctype html><meta charset="utf-8"><link rel="icon" href="{base}favicon.svg">'
            f'<link rel="canonical" href="https://example.org/"><link rel="preconnect" href="https://fonts.example">'
            f'<script type="module" crossorigin src="{base}assets/index-Dk1aQz7_.js"></script>'
            f'<link rel="stylesheet" crossorigin href="{base}assets/index-Bq4dYn0s.css">'
            f'<img src="{base}{UNHASHED}">'
            f'<a href="{base}somewhere/else">elsewhere</a>'
        ),
        f"{base}assets/index-Dk1aQz7_.js": (
            f"const __vite__mapDeps=(i,m=__vite__mapDeps,d=(m.f||(m.f={preloads})))=>i.map(i=>d[i]);"
            "const about=()=>p(()=>import(`./About-C2bRt-8x.js`),__vite__mapDeps([0,1]));"
            f'const logo="{base}assets/logo-C6fJt9Xa.png",lib="https://esm.example/vue.js",word="main.js";'
            + "/*…*/"
            * 200
        ),
        f"{base}assets/About-C2bRt-8x.js": 'import{a as b}from"./index-Dk1aQz7_.js";export default b;' + "/*…*/" * 20,
        f"{base}assets/About-Dx3cWm4L.css": "h1{color:red}",
        f"{base}assets/index-Bq4dYn0s.css": (
            "@font-face{src:url(./Inter-D5eHv2Kc.woff2)}body{background:url('data:image/png;base64,AA')}"
            'a{cursor:url("https://example.org/c.png")}b{filter:url(#f)}'
        ),
        f"{base}assets/Inter-D5eHv2Kc.woff2": "wOF2",
        f"{base}assets/logo-C6fJt9Xa.png": "PNG",
        f"{base}favicon.svg": "<svg/>",
        f"{base}{UNHASHED}": "<svg/>",
    }


VITE_FILES = {path.removeprefix("/") for path in files()} - {"index.html"}
"""The files that the page, its scripts and its styles reference, relative to the site's root."""


class Site:
    """Answers as the production image does."""

    def __init__(self, *faults: Fault, base: str = "/") -> None:
        self.files, self.base, self.faults = files(base), base, faults
        self.requested_paths: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, and let the faults change the answer."""
        path = request.url.path
        self.requested_paths.append(path)
        answer = self._answer(request.method, path)
        if answer.status == httpx.codes.OK:
            if len(answer.body) > 60:
                self._compress(answer, request.headers.get("accept-encoding", ""))
            self._select(answer, request)
        for fault in self.faults:
            fault(request, answer)
        if request.method == "HEAD":
            answer.headers.setdefault("content-length", [str(len(answer.body))])
            answer.body = b""
        lines = [(name, value) for name, values in answer.headers.items() for value in values]
        return httpx.Response(answer.status, headers=lines, stream=httpx.ByteStream(answer.body))

    def _answer(self, method: str, path: str) -> Answer:
        headers = {name: [value] for name, value in HEADERS.items()}
        refused = headers | {"content-type": ["text/plain"], "cache-control": ["no-store"]}
        if method not in ("GET", "HEAD"):
            return Answer(405, b"Not Allowed", refused | {"allow": ["GET, HEAD"]})
        shell = path not in self.files and "." not in path.rpartition("/")[2] and "/assets/" not in path
        name = f"{self.base}index.html" if shell else path
        if name not in self.files:
            return Answer(404, b"Not Found", refused)
        hashed = "/assets/" in name and not name.endswith(UNHASHED)
        headers["cache-control"] = ["public, max-age=31536000, immutable" if hashed else "no-cache"]
        headers["content-type"] = [TYPES.get(name.rpartition(".")[2], "text/plain")]
        headers["accept-ranges"] = ["bytes"]
        return Answer(200, self.files[name].encode(), headers)

    @staticmethod
    def _compress(answer: Answer, accepted: str) -> None:
        answer.set("vary", "Accept-Encoding")
        parts = [
            part.strip().lower() for part in accepted.split(",") if not re.search(r";\s*q=0(\.0*)?$", part.strip())
        ]
        names = {part.partition(";")[0] for part in parts}
        if "br" in names:
            answer.body = compress(answer.body)
            answer.set("content-encoding", "br")
        elif "gzip" in names:
            answer.body = gzip.compress(answer.body, mtime=0)
            answer.set("content-encoding", "gzip")

    @staticmethod
    def _select(answer: Answer, request: httpx.Request) -> None:
        """Apply If-None-Match and Range of the request to the answer."""
        etag = f'"{sha256(answer.body).hexdigest()[:12]}"'
        answer.set("etag", etag)
        known, size = request.headers.get("if-none-match", ""), len(answer.body)
        byte_range = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
        if known == "*" or etag in known:
            answer.status, answer.body = 304, b""
        elif byte_range and request.headers.get("if-range", etag) == etag:
            first = int(byte_range[1]) if byte_range[1] else size - int(byte_range[2])
            last = min(int(byte_range[2]) if byte_range[1] and byte_range[2] else size, size - 1)
            if first >= size:
                answer.status, answer.body = 416, b""
                answer.set("cache-control", "no-store")
                answer.set("content-range", f"bytes */{size}")
            else:
                answer.status, answer.body = 206, answer.body[first : last + 1]
                answer.set("content-range", f"bytes {first}-{last}/{size}")


Serve = Callable[[httpx.Request], httpx.Response]
ODD = re.compile(r"(?s)\.\.|%00|%(?![0-9A-Fa-f]{2})|\\|;|//")


def raw(site: Serve, origin: str, request: bytes, _seconds: float = 0) -> RawResponse:
    """Answer the bytes of a request as a strict server: with status 400 if they are malformed, else from the site."""
    head, _, body = request.partition(b"\r\n\r\n")
    first_line, *lines = head.decode("latin-1").split("\r\n")
    method, target, version = (*first_line.split(" "), "", "")[:3]
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    names = [name for name, _ in headers]
    host = dict(headers).get("host", "")
    is_valid = (
        method.isupper() and version in ("HTTP/1.1", "HTTP/1.0") and target.startswith(("/", "http://"))
        and not ODD.search(target.removeprefix("http://")) and len(head) < 32_000
        and all(re.fullmatch(r"[\w-]+: ?[^\0\r\n]*", line) for line in lines) and names.count("host") == 1
        and not re.search(r"[ <]", host) and not ({"transfer-encoding"} & set(names)) and not body
    )  # fmt: skip
    if not is_valid:
        return parse(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad")
    path = target if target.startswith("/") else "/" + target.split("/", 3)[3]
    answer = site(httpx.Request(method, origin + path, headers=headers))
    assert isinstance(answer.stream, httpx.SyncByteStream)
    fields = [f"HTTP/1.1 {answer.status_code} X", *(f"{name}: {value}" for name, value in answer.headers.multi_items())]
    return parse("\r\n".join([*fields, "", ""]).encode() + b"".join(answer.stream))


class Line(Connection):
    """The connection of a client to a site in memory."""

    def __init__(self, site: Serve, origin: str) -> None:
        super().__init__(origin)
        self.site = site

    def ask(self, method: str, target: str, headers: Headers, limit_s: float) -> Reply:
        """Let the site answer a request."""
        del limit_s
        answer = self.site(httpx.Request(method, self.origin + target, headers=list(headers)))
        assert isinstance(answer.stream, httpx.SyncByteStream)
        return Reply(answer.status_code, tuple(answer.headers.multi_items()), iter(answer.stream))


def connect(site: crawler.Site, served: Serve) -> None:
    """Let a client's site be served from memory."""
    site.client.connect = lambda: Line(served, site.origin)
    site.exchange = lambda origin, request, seconds: raw(served, origin, request, seconds)


def subject(site: Serve, url: str = "http://127.0.0.1:8080") -> Subject:
    """Return the site as the subject of the checks."""
    subject = Subject(url)
    connect(subject.site, site)
    return subject
