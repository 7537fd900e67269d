from __future__ import annotations

import re

import httpx
import pytest

from docktasks.verify import catalog
from docktasks.verify.probes import crawler, raw_socket
from tests.unit.fakes.site_faults import (
    ENTRY,
    INDEX,
    assert_reported,
    body,
    header,
    on_header,
    on_method,
    on_path,
    status,
    verdicts,
)
from tests.unit.fakes.sites import Fault, Site, compress, subject

FAULTS: list[tuple[str, Fault, str]] = [
    ("http.files", on_path("About-C2bRt-8x.js", status(404)),
     "/assets/About-C2bRt-8x.js: 404 text/javascript, expected 200"),
    ("http.files", on_path("About-Dx3cWm4L.css", header("content-type", "text/plain")),
     "/assets/About-Dx3cWm4L.css: 200 text/plain"),
    ("http.files", on_path("Inter-D5eHv2Kc.woff2", header("content-type")),
     "Inter-D5eHv2Kc.woff2: 200 without a content type, expected 200 font"),
    ("http.files", on_path(INDEX, header("content-type", "application/octet-stream")), "/: 200 application/octet-st"),
    ("http.files", on_path(INDEX, status(503)), "/: 503 text/html"),
    ("http.files", on_path(INDEX, body('<title>a</title><script type="module" src="/src/main.ts"></script>')),
     "/src/main.ts: 404 text/plain, a source, which the build left in its page"),
    ("http.files", on_path("favicon.svg", status(404)), "/favicon.svg: 404, though a page names it"),
    ("http.files", on_path(INDEX, body("<title>%VITE_NAME%</title>")),
     "%VITE_NAME%, a variable that the build did not have, on 2 of … places: /, "),
    ("http.files", on_path(INDEX, body("<title>a</title><meta name=api content=${API_URL}>")),
     "${API_URL}, a variable that the build did not have, on 2 of … places: /, "),
    ("http.files", on_path(INDEX, body("<title>a</title><meta content=${API_URL} name=api>")),
     "${API_URL}, a variable that the build did not have, on 2 of … places: /, "),
    ("http.files", on_path(INDEX, body("<title>a</title><meta property=og:image content=/shared.png>")),
     "/shared.png: 404, though a page names it"),
    ("http.files", on_path(INDEX, body("<title>a</title><p>Version %VITE_NAME%</p>")),
     "%VITE_NAME%, a variable that the build did not have, on 2 of … places: /, "),
    ("http.files", on_path(INDEX, body('<title>a</title><a href="/guide.pdf">a</a>')),
     "/guide.pdf: 404, though a page names it"),
    ("http.files", on_path(INDEX, body('<title>a</title><iframe src="/map.html"></iframe>')),
     "/map.html: 404, though a page names it"),
    ("http.files", on_path(ENTRY, body('h("a",{href:"/plans/2026.pdf"})')),
     "/plans/2026.pdf: 404, though a page names it"),
    ("http.files", on_path(INDEX, body('<title>a</title><link rel=canonical href="http://localhost:5173/">')),
     "http://localhost:5173/, an address of a developer's machine, on 2 of … places: /, "),
    ("http.charset", on_path(ENTRY, header("content-type", "text/javascript; charset=latin1")), "charset=latin1"),
    ("http.charset", on_path(INDEX, body("<title>Übung</title>")),
     "text/html, and no <meta charset>, on 1 of … places: /"),
    ("http.head", on_method("HEAD", status(405)), "HEAD 405, but GET 200, on … / (HEAD)"),
    ("http.head", on_method("HEAD", header("etag", '"other"')), 'etag is "other", not … / (HEAD)'),
    ("http.head", on_method("HEAD", header("content-length", "7")), "Content-Length: 7, but GET sends … / (HEAD)"),
    ("http.ranges", on_header("range", status(200)), "200 bytes 0-15/ … (range: bytes=0-15)"),
    ("http.ranges", on_header("range", body("x"), "bytes=-16"), "206 with other bytes … (range: bytes=-16)"),
    ("http.ranges", on_header("range", header("content-range")), "expected 206 bytes 0-15/"),
    ("http.ranges", on_header("if-range", body("half")),
     "200, expected the whole file … (range: bytes=0-0, if-range: "),
]  # fmt: skip


@pytest.mark.parametrize(("check_id", "fault", "evidence"), FAULTS, ids=[f"{row[0]} {row[2]}" for row in FAULTS])
def test_fault_is_reported(check_id: str, fault: Fault, evidence: str) -> None:
    """The check fails, and the evidence says where the fault is."""
    assert_reported(check_id, fault, evidence)


def test_example_of_a_variable_is_no_left_over() -> None:
    """A manual shows what to write."""
    head = "<!doctype html><meta charset=utf-8><title>${HOME} explained</title><meta content='${HOME} is a folder'>"
    page = f"{head}<pre><b>%VITE_A%</b></pre><code>%VITE_B%</code>"
    verdict = verdicts(Site(on_path(INDEX, body(page))), "http.files")["http.files"]
    assert not [line for line in verdict.evidence if "a variable" in line]


STYLE = "index-Bq4dYn0s.css"


@pytest.mark.parametrize(
    ("path", "text", "severity"),
    [
        (STYLE, "b{background:url(./textures/wood.png)}", "major"),
        (STYLE, "@font-face{src:url(./Own.woff2)}", "major"),
        (STYLE, "b{background:url(./wood-C6fJt9Xb.png)}", "critical"),
        (STYLE, "@import './other.css';", "critical"),
        (INDEX, "<title>a</title><img src=/wood.png>", "critical"),
    ],
)
def test_picture_that_only_a_style_names_refuses_no_release(path: str, text: str, severity: str) -> None:
    """Vite leaves an address in a style that it does not find as it is, and the page works without the picture."""
    verdict = verdicts(Site(on_path(path, body(text))), "http.files")["http.files"]
    assert (verdict.outcome, verdict.severity) == ("fail", severity)


def test_picture_of_the_image_that_is_not_served_is_critical(monkeypatch: pytest.MonkeyPatch) -> None:
    """The build had it, so the server lost it. A script may name it in a way that nobody can read."""
    monkeypatch.setattr(crawler.Site, "shipped", ["assets/textures/wood.png", "assets/textures/oak.png"])
    verdict = verdicts(Site(on_path(STYLE, body("b{background:url(./textures/wood.png)}"))), "http.files")["http.files"]
    assert {type(line) for line in verdict.evidence} == {str}
    assert len(verdict.evidence) == 2


def test_body_after_head_is_reported() -> None:
    """A client would read it as the beginning of the next answer."""
    judged = subject(Site())
    judged.site.exchange = lambda *_: raw_socket.parse(b"HTTP/1.1 200 OK\r\n\r\npage")
    (verdict,) = catalog.run_checks(judged, catalog.select(only=["http.head"]))
    assert verdict.evidence[0] == "HEAD /: 4 bytes after the headers"


def test_range_of_an_encoded_file_is_a_part_of_what_is_sent() -> None:
    """A server may send a file encoded though nobody asked for that. Its ranges are parts of the encoded bytes."""

    def site(request: httpx.Request) -> httpx.Response:
        content = compress(bytes(range(256)) * 4)
        headers = {"content-type": "text/html", "content-encoding": "br", "accept-ranges": "bytes"}
        span = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
        if not span or "if-range" in request.headers:
            return httpx.Response(200, headers=headers, stream=httpx.ByteStream(content))
        start = int(span[1]) if span[1] else len(content) - int(span[2])
        if start >= len(content):
            return httpx.Response(416, headers={"content-range": f"bytes */{len(content)}"})
        end = int(span[2]) if span[1] else len(content) - 1
        headers["content-range"] = f"bytes {start}-{end}/{len(content)}"
        return httpx.Response(206, headers=headers, stream=httpx.ByteStream(content[start : end + 1]))

    assert verdicts(site, "http.ranges")["http.ranges"].evidence == ()
