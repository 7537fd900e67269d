"""A site as Vite builds it and nginx/ serves it, in memory: healthy, until a fault spoils an answer."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from docktasks.checks.subject import Subject

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
"""From public/: its name ends as a hashed one does, in eight characters, but they are a word."""

TYPES = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "png": "image/png",
}


def compress(body: bytes) -> bytes:
    """As the builder's brotli does; the package has no types, so it is not imported by name."""
    return bytes(importlib.import_module("brotli").compress(body))


@dataclass
class Answer:
    """What goes out; a fault changes it in place."""

    status: int
    body: bytes
    headers: dict[str, list[str]] = field(default_factory=dict)

    def set(self, name: str, *values: str) -> None:
        """Give a header these values, each in a line of its own; none removes it."""
        self.headers[name] = list(values)


Fault = Callable[[httpx.Request, Answer], None]


def files(base: str = "/") -> dict[str, str]:
    """What `vite build` writes: a shell, an entry that loads a chunk and preloads by its list, styles, a font."""
    preloads = '["assets/About-C2bRt-8x.js","assets/About-Dx3cWm4L.css"]'
    return {
        f"{base}index.html": (
            f'<!doctype html><link rel="icon" href="{base}favicon.svg">'
            f'<link rel="canonical" href="https://example.org/"><link rel="preconnect" href="https://fonts.example">'
            f'<script type="module" crossorigin src="{base}assets/index-Dk1aQz7_.js"></script>'
            f'<link rel="stylesheet" crossorigin href="{base}assets/index-Bq4dYn0s.css">'
            f'<img src="{base}{UNHASHED}">'
            f'<script src="https://cdn.example/x.js"></script><a href="{base}somewhere/else.html">elsewhere</a>'
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


class Site:
    """Answers as the production image does."""

    def __init__(self, *faults: Fault, base: str = "/") -> None:
        self.files, self.base, self.faults = files(base), base, faults
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, spoiled by the faults."""
        path = request.url.path
        self.asked.append(path)
        answer = self._answer(path)
        if answer.status == httpx.codes.OK and len(answer.body) > 60:
            self._compress(answer, request.headers.get("accept-encoding", ""))
        for fault in self.faults:
            fault(request, answer)
        lines = [(name, value) for name, values in answer.headers.items() for value in values]
        return httpx.Response(answer.status, headers=lines, content=answer.body)

    def _answer(self, path: str) -> Answer:
        headers = {name: [value] for name, value in HEADERS.items()}
        shell = "." not in path.rpartition("/")[2] and "/assets/" not in path
        name = f"{self.base}index.html" if shell else path
        if name not in self.files:
            return Answer(404, b"Not Found", headers | {"content-type": ["text/plain"]})
        hashed = "/assets/" in name and not name.endswith(UNHASHED)
        headers["cache-control"] = ["public, max-age=31536000, immutable" if hashed else "no-cache"]
        headers["content-type"] = [TYPES[name.rpartition(".")[2]]]
        return Answer(200, self.files[name].encode(), headers)

    @staticmethod
    def _compress(answer: Answer, accepted: str) -> None:
        answer.set("vary", "Accept-Encoding")
        wanted = [part.strip() for part in accepted.split(",") if ";q=0" not in part]
        if "br" in wanted:
            answer.body = compress(answer.body)
            answer.set("content-encoding", "br")
        elif "gzip" in wanted:
            answer.body = gzip.compress(answer.body)
            answer.set("content-encoding", "gzip")


def subject(site: Callable[[httpx.Request], httpx.Response], url: str = "http://127.0.0.1:8080") -> Subject:
    """The site to judge."""
    made = Subject(url)
    made.client = httpx.Client(
        base_url=made.url, transport=httpx.MockTransport(site), headers={"Accept-Encoding": "identity"}
    )
    return made
