from __future__ import annotations

import gzip
from collections.abc import Callable

import httpx
import pytest

from docktasks.verify import catalog
from docktasks.verify.checks.http.caching import HASHED
from docktasks.verify.checks.http.samples import MISSING
from docktasks.verify.probes.raw_socket import Raw
from docktasks.verify.registry import Check, Verdict
from tests.unit.fakes.sites import HEADERS, Answer, Fault, Site, compress, subject

HTTP = [check for check in catalog.all_checks() if check.group == "http"]
ENTRY, SHELL = "/assets/index-Dk1aQz7_.js", "/"


def judged(site: Callable[[httpx.Request], httpx.Response], *ids: str) -> dict[str, Verdict]:
    """The verdicts on a site, by check."""
    wanted = [check for check in HTTP if not ids or check.id in ids]
    return {verdict.check.id: verdict for verdict in catalog.run_checks(subject(site), wanted)}


def on(path: str, spoil: Callable[[Answer], object]) -> Fault:
    """A fault of the answers to one path, or to every path that ends so."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if request.url.path.endswith(path) if path != SHELL else request.url.path == SHELL:
            spoil(answer)

    return fault


def header(name: str, *values: str) -> Callable[[Answer], None]:
    """An answer with this header instead of its own."""
    return lambda answer: answer.set(name, *values)


def status(code: int) -> Callable[[Answer], None]:
    """An answer with this status."""

    def spoil(answer: Answer) -> None:
        answer.status = code

    return spoil


def shell_instead(request: httpx.Request, answer: Answer) -> None:
    """`try_files $uri /index.html` for all: the commonest fault of all."""
    if answer.status == 404:
        answer.status, answer.body = 200, Site().files["/index.html"].encode()
        answer.set("content-type", "text/html")
        answer.set("cache-control", "no-cache")
    assert request.method


def asked_with(name: str, spoil: Callable[[Answer], object], value: str = "") -> Fault:
    """A fault of the answers to requests that have this header, with this value or any."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if name in request.headers and value in request.headers[name]:
            spoil(answer)

    return fault


def by(method: str, *spoils: Callable[[Answer], object]) -> Fault:
    """A fault of the answers to one method."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        for spoil in spoils if request.method == method else ():
            spoil(answer)

    return fault


def body(text: str) -> Callable[[Answer], None]:
    """An answer with this body, as it is."""

    def spoil(answer: Answer) -> None:
        answer.body = text.encode()
        answer.set("content-encoding")

    return spoil


def leak(request: httpx.Request, answer: Answer) -> None:
    """A path that leads out of the site."""
    if "passwd" in request.url.path:
        answer.status, answer.body = 200, b"root:x:0:0:root:/root:/bin/sh\n"


def reflected(request: httpx.Request, answer: Answer) -> None:
    """A folder is redirected to, at whatever Host was sent."""
    if request.url.path.endswith("/assets"):
        answer.status = 301
        answer.set("location", f"http://{request.headers['host']}/assets/")


def injected(request: httpx.Request, answer: Answer) -> None:
    """The path stands in a header, decoded."""
    if "\r\n" in request.url.path:
        answer.set("location", request.url.path)


def listing(request: httpx.Request, answer: Answer) -> None:
    """A folder is listed."""
    if request.url.path == "/assets/":
        answer.status, answer.body = 200, b'<a href="x">index-Dk1aQz7_.js</a>'


def epoch(_request: httpx.Request, answer: Answer) -> None:
    """Every file has the time of a reproducible build."""
    answer.set("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT")


def shell_is(text: str, policy: str = "") -> Fault:
    """A shell with this text, under this policy or its own."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if request.url.path == SHELL and answer.status == 200:
            answer.body = text.encode()
            answer.set("content-encoding")
            if policy:
                answer.set("content-security-policy", policy)

    return fault


def encoded_only(coding: str, spoil: Callable[[Answer], object]) -> Fault:
    """A fault of the answers to who accepts exactly this."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if request.headers.get("accept-encoding") == coding:
            spoil(answer)

    return fault


def other_bytes(answer: Answer) -> None:
    """A twin that was made of another release."""
    answer.body = compress(b"old")


def other_twin(answer: Answer) -> None:
    """One small file's gzip twin was made of another release."""
    if answer.headers.get("content-encoding") == ["gzip"]:
        answer.body = gzip.compress(b"old")


def uncompressed(answer: Answer) -> None:
    """A text that is large enough goes out as it is."""
    if "content-encoding" in answer.headers:
        answer.set("content-encoding")
        answer.body = Site().files[ENTRY].encode()


def brotli_anyway(answer: Answer) -> None:
    """Compressed for who refuses it."""
    answer.body = compress(answer.body)
    answer.set("content-encoding", "br")


def always_brotli(_request: httpx.Request, answer: Answer) -> None:
    """Compressed for everybody, as by a cache that does not know Vary."""
    if answer.status == 200 and "content-encoding" not in answer.headers:
        answer.body = compress(answer.body)
        answer.set("content-encoding", "br")


IMMUTABLE = "public, max-age=31536000, immutable"
FAULTS: list[tuple[str, Fault, str]] = [
    (
        "http.files",
        on("About-C2bRt-8x.js", status(404)),
        "/assets/About-C2bRt-8x.js: 404 text/javascript, expected 200",
    ),
    (
        "http.files",
        on("About-Dx3cWm4L.css", header("content-type", "text/plain")),
        "/assets/About-Dx3cWm4L.css: 200 text/plain",
    ),
    (
        "http.files",
        on("Inter-D5eHv2Kc.woff2", header("content-type")),
        "Inter-D5eHv2Kc.woff2: 200 without a type, expected 200 font",
    ),
    ("http.files", on(SHELL, header("content-type", "application/octet-stream")), "/: 200 application/octet-stream"),
    ("http.files", on(SHELL, status(503)), "/: 503 text/html"),
    ("http.deep-link", on("-5f2c", status(404)), "/no-such-file-5f2c: 404"),
    ("http.deep-link", on("/deeper", status(404)), "/no-such-file-5f2c/deeper?query=1: 404"),
    (
        "http.deep-link",
        on("-5f2c", lambda answer: setattr(answer, "body", b"other")),
        "200, but not the shell (5 bytes",
    ),
    ("http.missing", shell_instead, "/assets/no-such-file-5f2c.js (missing asset): 200"),
    ("http.missing", on(".txt", status(403)), "/no-such-file-5f2c.txt (missing file): 403"),
    ("http.cache-policy", on(SHELL, header("cache-control", "max-age=600")), "/: Cache-Control: max-age=600"),
    ("http.cache-policy", on(SHELL, header("cache-control")), "/: Cache-Control: missing"),
    (
        "http.cache-policy",
        on("-5f2c", header("cache-control", IMMUTABLE)),
        f"/no-such-file-5f2c: Cache-Control: {IMMUTABLE}",
    ),
    ("http.cache-policy", on(ENTRY, header("cache-control", "no-cache")), f"{ENTRY}: Cache-Control: no-cache"),
    ("http.cache-policy", on(ENTRY, header("cache-control", "max-age=60, immutable")), "max-age=60, immutable"),
    (
        "http.cache-policy",
        on("favicon.svg", header("cache-control", IMMUTABLE)),
        f"/favicon.svg: Cache-Control: {IMMUTABLE}",
    ),
    (
        "http.cache-policy",
        on("favicon.svg", header("cache-control", IMMUTABLE)),
        f"/favicon.svg: Cache-Control: {IMMUTABLE}",
    ),
    ("http.cache-policy", on("-5f2c.js", header("cache-control", IMMUTABLE)), "(missing asset): Cache-Control: public"),
    (
        "http.cache-policy",
        on("-5f2c.txt", header("cache-control", "max-age=60")),
        "(missing file): Cache-Control: max-age",
    ),
    (
        "http.security-headers",
        on(SHELL, header("content-security-policy")),
        "/ (shell), 200: content-security-policy s",
    ),
    ("http.security-headers", on("-5f2c.js", header("x-content-type-options")), "(missing asset), 404: x-content-type"),
    ("http.security-headers", asked_with("range", header("x-content-type-options")), "(range), 206: x-content-type"),
    ("http.security-headers", by("POST", header("x-content-type-options", "no")), "405: x-content-type-options: no"),
    ("http.security-headers", asked_with("if-none-match", header("x-content-type-options")), "(unchanged), 304: x-con"),
    (
        "http.isolation",
        on("About-C2bRt-8x.js", header("referrer-policy", "no-referrer", "no-referrer")),
        "stands 2 times",
    ),
    ("http.isolation", on(SHELL, header("referrer-policy", "unsafe-url")), "referrer-policy: unsafe-url"),
    ("http.isolation", on(SHELL, header("cross-origin-opener-policy", "unsafe-none")), "opener-policy: unsafe-none"),
    ("http.csp", on(SHELL, header("content-security-policy", "img-src *")), "/: img-src *"),
    ("http.csp", on(SHELL, header("content-security-policy")), "/: there is no policy"),
    ("http.csp-fits", shell_is("<script>go()</script>"), "/: inline <script> go() is against script-src-elem 'self'"),
    ("http.csp-fits", shell_is('<img src="https://a.example/b.png">'), "<img> https://a.example/b.png is against img"),
    ("http.version", on("-5f2c.txt", header("server", "nginx/1.30.6")), "(missing file): nginx/1.30.6"),
    ("http.version", by("POST", body("<hr>Apache/2.4.1 at")), "POST / HTTP/1.1 (405): Apache/2.4.1"),
    ("http.charset", on(ENTRY, header("content-type", "text/javascript; charset=latin1")), "charset=latin1"),
    ("http.charset", shell_is("<title>Übung</title>"), "/: text/html, and no <meta charset>"),
    ("http.head", by("HEAD", status(405)), "HEAD /: 405, and GET 200"),
    ("http.head", by("HEAD", header("etag", '"other"')), 'HEAD /: etag: "other", expected'),
    ("http.head", by("HEAD", header("content-length", "7")), "HEAD /: Content-Length: 7, and GET sends"),
    ("http.ranges", asked_with("range", status(200)), "bytes=0-15: 200 bytes 0-15/"),
    ("http.ranges", asked_with("range", body("x"), "bytes=-16"), "bytes=-16: 206 with other bytes"),
    ("http.ranges", asked_with("range", header("content-range")), "expected 206 bytes 0-15/"),
    ("http.ranges", asked_with("if-range", body("half")), "if it is another version: 200, expected the whole"),
    ("http.directories", listing, "/assets/: 200, a list with index-Dk1aQz7_.js"),
    (
        "http.directories",
        on("/assets", header("location", "http://127.0.0.1/assets/")),
        "Location: http://127.0.0.1/as",
    ),
    ("http.revalidation", asked_with("if-none-match", status(200)), "If-None-Match: {etag}: 200, expected 304"),
    ("http.revalidation", asked_with("if-none-match", status(200), "W/"), "If-None-Match: W/{etag}: 200"),
    ("http.revalidation", asked_with("if-none-match", status(200), ", "), 'If-None-Match: "other", {etag}: 200'),
    ("http.revalidation", asked_with("if-none-match", header("cache-control"), '"'), "304 with cache-control: missing"),
    ("http.revalidation", on("favicon.svg", header("etag")), "/favicon.svg: neither ETag nor Last-Modified"),
    ("http.validators", asked_with("if-none-match", status(304), "of-another-release"), "304, expected the file"),
    ("http.validators", asked_with("if-modified-since", status(304), "1971"), "If-Modified-Since: Fri, 01 Jan 1971"),
    ("http.validators", lambda _request, answer: answer.set("etag", '"1-2"'), 'differ: ETag: "1-2" for both'),
    ("http.validators", epoch, "files that differ: Last-Modified: Thu, 01 Jan 1970"),
    (
        "http.validators",
        on(ENTRY, lambda answer: answer.set("etag", '"one"')),
        f'{ENTRY}: ETag: "one" for both identity and gzip',
    ),
    ("http.brotli", encoded_only("br", uncompressed), "for Accept-Encoding: br: Content-Encoding: none"),
    ("http.negotiation", encoded_only("*;q=0", brotli_anyway), "for Accept-Encoding: *;q=0: Content-Encoding: br"),
    ("http.negotiation", encoded_only("gzipped, xgzip", status(406)), "xgzip: 406, expected 200"),
    ("http.hidden-files", on("/.env", status(200)), "/.env: 200, 9 bytes of text/plain"),
    ("http.hidden-files", on("index.html~", status(200)), "/index.html~: 200"),
    ("http.hidden-files", on("/#favicon.svg#", status(200)), "/%23favicon.svg%23: 200"),
    ("http.traversal", leak, "/etc/passwd: 200, with 'root:x:0:0:'"),
    ("http.methods", by("DELETE", status(204)), f"DELETE /{MISSING}.txt: 204"),
    ("http.methods", by("PUT", header("allow")), f"PUT /{MISSING}.txt: 405 without Allow"),
    ("http.methods", by("TRACE", body("X-Canary: canary-5f2c.example")), f"TRACE /{MISSING}.txt: 405 echoes"),
    ("http.methods", by("BREW", status(500)), f"BREW /{MISSING}.txt: 500"),
    ("http.malformed", injected, "control characters: became a header of the answer"),
    ("http.host", reflected, "301 to http://canary-5f2c.example/assets/"),
    (
        "http.encoding",
        encoded_only("br", header("content-encoding")),
        "for Accept-Encoding: br: decodes to other bytes",
    ),
    (
        "http.encoding",
        encoded_only("gzip", header("content-encoding")),
        "for Accept-Encoding: gzip: Content-Encoding: none",
    ),
    ("http.vary", encoded_only("br", header("vary")), "for Accept-Encoding: br: no Vary: Accept-Encoding"),
    ("http.encoding", encoded_only("br", other_bytes), "for Accept-Encoding: br: decodes to other bytes"),
    (
        "http.encoding",
        on("About-C2bRt-8x.js", other_twin),
        "/assets/About-C2bRt-8x.js for Accept-Encoding: gzip: decodes to other bytes",
    ),
    (
        "http.encoding",
        on("-Dk1aQz7_.js", uncompressed),
        "/assets/index-Dk1aQz7_.js for Accept-Encoding: gzip: Content-Encoding: none",
    ),
    ("http.vary", asked_with("accept-encoding", header("vary"), "identity"), "though it is also sent compressed"),
    ("http.negotiation", always_brotli, "for Accept-Encoding: identity: Content-Encoding: br"),
    ("http.negotiation", always_brotli, "for Accept-Encoding: br;q=0, gzip;q=0: Content-Encoding: br"),
]


@pytest.mark.parametrize("base", ["/", "/app/"])
def test_a_healthy_site_passes_every_check(base: str) -> None:
    """No check cries wolf, with a base path neither."""
    verdicts = judged(Site(base=base))
    assert {name: verdict.evidence for name, verdict in verdicts.items()} == {check.id: () for check in HTTP}
    assert {verdict.outcome for verdict in verdicts.values()} == {"pass"}


@pytest.mark.parametrize("check", HTTP, ids=lambda check: check.id)
def test_each_check_has_a_fault_here(check: Check) -> None:
    """A check that cannot fail is a defect."""
    assert check.id in {name for name, _, _ in FAULTS}


@pytest.mark.parametrize(
    ("name", "fault", "evidence"), FAULTS, ids=[f"{name} {evidence}" for name, _, evidence in FAULTS]
)
def test_each_check_fails_on_its_fault(name: str, fault: Fault, evidence: str) -> None:
    """One small fault is caught, and the evidence says where."""
    verdict = judged(Site(fault), name)[name]
    assert verdict.outcome == "fail"
    assert any(evidence in line for line in verdict.evidence), verdict.evidence


POLICY = HEADERS["content-security-policy"]


@pytest.mark.parametrize(
    ("policy", "faults"),
    [
        (POLICY.replace("default-src 'self'", "script-src 'self'"), ["default-src is missing"]),
        (POLICY.replace("default-src 'self'", "default-src https:"), ["default-src https:", "script-src https:"]),
        (
            POLICY.replace("default-src 'self'", "default-src 'unsafe-inline'"),
            ["default-src 'unsafe-inline'", "script-src 'unsafe-inline'"],
        ),
        (POLICY.replace("object-src 'none'", "object-src 'none' https:"), ["object-src 'none' https:"]),
        (POLICY.replace("; base-uri 'none'", ""), ["base-uri is missing"]),
        (POLICY.replace("; frame-ancestors 'none'", ""), ["frame-ancestors is missing"]),
        (POLICY + "; script-src 'self' 'unsafe-inline'", ["script-src 'self' 'unsafe-inline'"]),
        (POLICY + "; script-src 'self' 'unsafe-eval'", ["script-src 'self' 'unsafe-eval'"]),
        (POLICY + "; script-src 'self' data:", ["script-src 'self' data:"]),
        (POLICY + "; script-src https://*.example", ["script-src https://*.example"]),
        (POLICY + "; connect-src *", ["connect-src *"]),
        (
            POLICY.replace("default-src 'self'", "x-default-src 'self'"),
            ["default-src is missing", "script-src is missing"],
        ),
    ],
)
def test_a_policy_that_leaves_a_way_open_fails(policy: str, faults: list[str]) -> None:
    """Each directive has to be there, and scripts, plugins, bases and frames may come from the site alone."""
    site = Site(on(SHELL, header("content-security-policy", policy)))
    verdict = judged(site, "http.csp")["http.csp"]
    assert verdict.evidence == tuple(f"/: {fault}" for fault in faults)


@pytest.mark.parametrize(
    "policy", [POLICY.replace("'none'", "'self'", 2).replace("object-src 'self'", "object-src 'none'")]
)
def test_a_policy_that_trusts_the_site_itself_passes(policy: str) -> None:
    """A base and a frame of its own are no way in."""
    site = Site(lambda _request, answer: answer.set("content-security-policy", policy))
    assert judged(site, "http.csp")["http.csp"].evidence == ()


@pytest.mark.parametrize(
    ("name", "is_hashed"),
    [
        ("index-Dk1aQz7_.js", True),
        ("About-C2bRt-8x.css", True),
        ("vendor/lib-ABCDEFGH.mjs", True),
        ("index-Dk1aQz7.js", False),
        ("index_Dk1aQz7_.js", False),
        ("logo-original.svg", False),
        ("photo-20261123.jpg", False),
        ("photo-IMG_2026.jpg", False),
        ("logo.svg", False),
    ],
)
def test_a_hashed_name_is_told_from_a_word_and_a_date(name: str, *, is_hashed: bool) -> None:
    """What is surely hashed has to be kept for a year; a name that may stay while its file changes need not be."""
    assert bool(HASHED.search(f"/app/assets/{name}")) is is_hashed
    assert not HASHED.search(f"/app/{name}")


@pytest.mark.parametrize("check", HTTP, ids=lambda check: check.id)
def test_a_site_that_does_not_answer_fails(check: Check) -> None:
    """Silence is a fault, not a reason to skip."""

    def silence(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused", request=request)

    verdict = judged(silence, check.id)[check.id]
    assert verdict.outcome == "fail"
    assert verdict.evidence == ("http://127.0.0.1:8080 does not answer: [Errno 111] Connection refused",)


def test_a_site_without_hashed_files_skips_what_it_cannot_judge() -> None:
    """It says why; what can be judged is judged."""

    def plain(_request: httpx.Request) -> httpx.Response:
        headers = {"content-type": "text/html", "cache-control": "no-cache"}
        return httpx.Response(200, headers=headers, text="<h1>It works!</h1>")

    verdicts = judged(plain)
    reason = ("index.html names no file",)
    skipped = {name: verdict.evidence for name, verdict in verdicts.items() if verdict.outcome == "skip"}
    needing = ("directories", "missing", "cache-policy", "security-headers", "isolation", "version")
    assert skipped == {f"http.{name}": reason for name in needing}
    assert verdicts["http.files"].evidence == ("index.html names no file at all",)
    assert verdicts["http.deep-link"].outcome == "pass"


@pytest.mark.parametrize(
    ("sent", "answered", "evidence"),
    [
        (
            b"Transfer-Encoding: chunked",
            Raw(b"HTTP/1.1 200 OK\r\n\r\nok\nHTTP/1.1 404 No\r\n\r\n"),
            "both lengths: 2 answers",
        ),
        (b"X-A: a\rX-B", Raw(b"", ended=False), "a bare CR: no end after 0 bytes"),
        (b"%zz", Raw(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), "a broken %: 502"),
    ],
)
def test_what_is_malformed_is_refused_once_and_soon(sent: bytes, answered: Raw, evidence: str) -> None:
    """One that hides a second request, or is never answered, or breaks the server, is told by what it was."""
    looked = subject(Site())
    healthy = looked.site.exchange
    looked.site.exchange = lambda origin, request, seconds: (
        answered if sent in request else healthy(origin, request, seconds)
    )
    (verdict,) = catalog.run_checks(looked, [check for check in HTTP if check.id == "http.malformed"])
    assert verdict.outcome == "fail"
    assert any(line.startswith(evidence) for line in verdict.evidence), verdict.evidence


def test_a_body_after_head_is_told() -> None:
    """A client would take it for the next answer."""
    looked = subject(Site())
    looked.site.exchange = lambda origin, request, seconds: Raw(
        b"HTTP/1.1 200 OK\r\n\r\npage" if (origin, request, seconds) else b""
    )
    (verdict,) = catalog.run_checks(looked, [check for check in HTTP if check.id == "http.head"])
    assert verdict.evidence[0] == "HEAD /: 4 bytes after the headers"
