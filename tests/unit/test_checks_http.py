from __future__ import annotations

import gzip
from collections.abc import Callable

import httpx
import pytest

from docktasks import checks
from docktasks.checks import Check, Verdict
from docktasks.checks.http import HASHED
from tests.unit.sites import HEADERS, Answer, Fault, Site, compress, subject

HTTP = [check for check in checks.all_checks() if check.group == "http"]
ENTRY, SHELL = "/assets/index-Dk1aQz7_.js", "/"


def judged(site: Callable[[httpx.Request], httpx.Response], *ids: str) -> dict[str, Verdict]:
    """The verdicts on a site, by check."""
    wanted = [check for check in HTTP if not ids or check.id in ids]
    return {verdict.check.id: verdict for verdict in checks.judge(subject(site), wanted)}


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
    assert request.method == "GET"


def encoded_only(coding: str, spoil: Callable[[Answer], object]) -> Fault:
    """A fault of the answers to who accepts exactly this."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if request.headers["accept-encoding"] == coding:
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
        "/ (shell): content-security-policy stands 0",
    ),
    (
        "http.security-headers",
        on("-5f2c.js", header("x-content-type-options")),
        "(missing asset): x-content-type-options",
    ),
    (
        "http.security-headers",
        on("About-C2bRt-8x.js", header("referrer-policy", "no-referrer", "no-referrer")),
        "stands 2 times",
    ),
    ("http.security-headers", on(SHELL, header("referrer-policy", "unsafe-url")), "referrer-policy: unsafe-url"),
    (
        "http.security-headers",
        on(SHELL, header("content-security-policy", "img-src *")),
        "content-security-policy: img-src",
    ),
    (
        "http.security-headers",
        on("-5f2c.txt", header("server", "nginx/1.30.6")),
        "(missing file): server: nginx/1.30.6",
    ),
    (
        "http.encoding",
        encoded_only("br", header("content-encoding")),
        "for Accept-Encoding: br: Content-Encoding: none",
    ),
    (
        "http.encoding",
        encoded_only("gzip", header("content-encoding")),
        "for Accept-Encoding: gzip: Content-Encoding: none",
    ),
    ("http.encoding", encoded_only("br", header("vary")), "for Accept-Encoding: br: no Vary: Accept-Encoding"),
    ("http.encoding", encoded_only("br", other_bytes), "for Accept-Encoding: br: decodes to other bytes"),
    (
        "http.encoding",
        on("About-C2bRt-8x.js", other_twin),
        "/assets/About-C2bRt-8x.js for Accept-Encoding: gzip: decodes to other bytes",
    ),
    (
        "http.encoding",
        on("-Dk1aQz7_.js", uncompressed),
        "/assets/index-Dk1aQz7_.js for Accept-Encoding: br: Content-Encoding: none",
    ),
    ("http.encoding", always_brotli, "for Accept-Encoding: identity: Content-Encoding: br"),
    ("http.encoding", always_brotli, "for Accept-Encoding: br;q=0, gzip;q=0: Content-Encoding: br"),
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
        (POLICY.replace("; object-src 'none'", ""), ["object-src 'self'"]),
        (POLICY.replace("object-src 'none'", "object-src 'self'"), ["object-src 'self'"]),
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
    verdict = judged(site, "http.security-headers")["http.security-headers"]
    assert verdict.evidence == tuple(f"/ (shell): content-security-policy: {fault}" for fault in faults)


@pytest.mark.parametrize(
    "policy", [POLICY.replace("'none'", "'self'", 2).replace("object-src 'self'", "object-src 'none'")]
)
def test_a_policy_that_trusts_the_site_itself_passes(policy: str) -> None:
    """A base and a frame of its own are no way in."""
    site = Site(lambda _request, answer: answer.set("content-security-policy", policy))
    assert judged(site, "http.security-headers")["http.security-headers"].evidence == ()


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
    reason = ("index.html names no file below /assets/",)
    skipped = {name: verdict.evidence for name, verdict in verdicts.items() if verdict.outcome == "skip"}
    needing = ("http.missing", "http.cache-policy", "http.security-headers", "http.encoding")
    assert skipped == dict.fromkeys(needing, reason)
    assert verdicts["http.files"].evidence == ("index.html names no file at all",)
    assert verdicts["http.deep-link"].outcome == "pass"
