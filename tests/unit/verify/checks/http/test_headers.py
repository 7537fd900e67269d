from __future__ import annotations

import json

import pytest

from docktasks.verify.checks.http.headers import STACK_TRACE
from tests.unit.fakes.site_faults import (
    ENTRY,
    INDEX,
    assert_reported,
    body,
    header,
    on_header,
    on_method,
    on_path,
    verdicts,
)
from tests.unit.fakes.sites import HEADERS, Answer, Fault, Site

CSP = "content-security-policy"
POLICY = HEADERS[CSP]


def no_page(answer: Answer, text: str) -> None:
    """A short text."""
    body(text)(answer)
    answer.set("content-type", "text/plain")


def robots(answer: Answer, path: bytes = b"/") -> None:
    """What a staging site tells all search engines."""
    answer.status, answer.body = 200, b"User-agent: *\nDisallow: " + path + b"\n"
    answer.headers |= {"content-type": ["text/plain"], "last-modified": ["Mon, 30 Nov 2026 20:00:00 GMT"]}


def trace(answer: Answer) -> None:
    """An error in JSON, which escapes the ends of lines."""
    no_page(answer, json.dumps({"stack": "Error: no\n    at go (/app/a.js:1:2)"}))
    answer.status = 404


FAULTS: list[tuple[str, Fault, str]] = [
    ("http.security-headers", on_path(INDEX, header(CSP)), "content-security-policy is missing on 2 of … places: /, "),
    ("http.security-headers", on_path("-5f2c.js", header("x-content-type-options")),
     "x-content-type-options is missing on … /assets/no-such-file-5f2c.js"),
    ("http.security-headers", on_header("range", header("x-content-type-options")),
     "x-content-type-options is missing on … (range: bytes="),
    ("http.security-headers", on_method("POST", header("x-content-type-options", "no")),
     "x-content-type-options: no on … / (POST)"),
    ("http.security-headers", on_header("if-none-match", header("x-content-type-options")),
     "x-content-type-options is missing on … (if-none-match: "),
    ("http.cross-origin-headers", on_path("About-C2bRt-8x.js", header("referrer-policy", "no-referrer", "no-referrer")),
     "referrer-policy is sent 2 times on … /assets/About-C2bRt-8x.js"),
    ("http.cross-origin-headers", on_path(INDEX, header("referrer-policy", "unsafe-url")),
     "referrer-policy: unsafe-url"),
    ("http.cross-origin-headers", on_path(INDEX, header("cross-origin-opener-policy", "unsafe-none")),
     "opener-policy: unsafe-none"),
    ("http.headers", on_path(".css", header("date", "Mon, 30 Nov 2026 20:00:00 GMT", "0")), "date is sent 2 times on "),
    ("http.headers", on_path(".css", header("date", "Mon, 01 Jan 1990 00:00:00 GMT")), "hours before the time of this"),
    ("http.headers", on_path(".css", header("date", "Fri, 01 Jan 2100 00:00:00 GMT")), "hours after the time of this"),
    ("http.headers", on_path(".css", header("date", "2026-12-01T04:00:00Z")), "which is no time of HTTP, on"),
    ("http.headers", on_path(".css", header("date", "Mon, 01 Jan 9999999999 00:00:00 GMT")), "which is no time of"),
    ("http.csp", on_path(INDEX, header(CSP, "img-src *")), "img-src * on 2 of … places: /, "),
    ("http.csp", on_path(INDEX, header(CSP)), "there is no policy on 2 of … places: /, "),
    ("http.csp-allows-page", on_path(INDEX, body('<a onclick="go()">')),
     "inline onclick go() is not in script-src on 2 of"),
    ("http.csp-allows-page", on_path(INDEX, body("<script>go()</script>")),
     "inline <script> go() is not in script-src on 2 of"),
    ("http.server-version", on_path(".css", header("via", "1.1 varnish-6.0.1")), "varnish-6.0.1 on "),
    ("http.server-version", on_path("-5f2c.txt", header("server", "nginx/1.30.6")),
     "nginx/1.30.6 on 1 of … /no-such-file-5f2c.txt"),
    ("http.server-version", on_path("-5f2c.txt", body('open() "/srv/site/a.txt" failed')),
     "a path of the server (/srv/site/a.txt) on 1 of … /no-such-file-5f2c.txt"),
    ("http.server-version", on_header("accept", trace, "json"), "a stack trace (/app/a.js:1) on … places: /, "),
    ("http.server-version", on_path("/healthz", lambda answer: no_page(answer, "ok nginx/1.30.6")),
     "nginx/1.30.6 on 1 of … /healthz"),
    ("http.headers", on_path("favicon.svg", header("service-worker-allowed", "/")),
     "service-worker-allowed: /: a script … /favicon.svg"),
    ("http.headers", on_path(INDEX, header("content-disposition", "attachment")),
     "content-disposition: attachment: a browser saves the file in place of showing it, on"),
    ("http.headers", on_path(INDEX, header("link", "<https://other.example/x.js>; rel=preload")),
     "link: <https://other.example/x.js>; rel=preload: browsers load … on 2 of … places: /, "),
    ("http.headers", on_path("-5f2c.js", header("alt-svc", 'h2="other.example:443"')), "browsers go to another host"),
    ("http.headers", on_method("POST", header("x-trace", "t" * 20_000)), "20 kB of headers … x-trace … (POST)"),
    ("http.headers", on_path("-5f2c.js", header("x-trace", "t" * 9_000)), "9 kB of headers … -5f2c.js"),
    ("http.headers", on_path(ENTRY, header("sourcemap", "a.map")), "where the app's source is, on … index-Dk1aQz7_.js"),
    ("http.server-version", on_path("-5f2c.js", body("System.NullReferenceException: at App.Main()")),
     "a stack trace (System.NullReferenceException) on "),
    ("http.server-version", on_path("-5f2c.js", body("app/home_controller.rb:12:in `index'")),
     "a stack trace (app/home_controller.rb:12) on "),
    ("http.server-version", on_method("POST", body("<hr>Apache/2.4.1 at")), "Apache/2.4.1 on … / (POST)"),
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "Don't panic: the page is not here.",
        "Ask http://shop.example.pl:8080/ or shop@example.rs",
        '{"/a.js":12,"b.css":3}',
        "catch(e){if(e instanceof DOMException)throw e}",
        "The exception proves the rule.",
    ],
)
def test_friendly_error_page_has_no_stack_trace(text: str) -> None:
    """Words and addresses are no traces."""
    assert not STACK_TRACE.search(text)


@pytest.mark.parametrize(("check_id", "fault", "evidence"), FAULTS, ids=[f"{row[0]} {row[2]}" for row in FAULTS])
def test_fault_is_reported(check_id: str, fault: Fault, evidence: str) -> None:
    """The check fails, and the evidence says where the fault is."""
    assert_reported(check_id, fault, evidence)


@pytest.mark.parametrize(
    ("policy", "faults"),
    [
        (POLICY.replace("default-src 'self'", "script-src 'self'"), ["default-src is missing"]),
        (POLICY.replace("default-src 'self'", "default-src https:"), ["default-src https:", "script-src https:"]),
        (POLICY.replace("default-src 'self'", "default-src 'unsafe-inline'"),
         ["default-src 'unsafe-inline'", "script-src 'unsafe-inline'"]),
        (POLICY.replace("object-src 'none'", "object-src 'none' https:"), ["object-src 'none' https:"]),
        (POLICY.replace("; base-uri 'none'", ""), ["base-uri is missing"]),
        (POLICY.replace("; frame-ancestors 'none'", ""), ["frame-ancestors is missing"]),
        (POLICY + "; script-src 'self' 'unsafe-inline'", ["script-src 'self' 'unsafe-inline'"]),
        (POLICY + "; script-src 'self' 'unsafe-eval' https://*.a.example", []),
        (POLICY + "; script-src 'self' https://*", ["script-src 'self' https://*"]),
        (POLICY + "; script-src 'self' *:443", ["script-src 'self' *:443"]),
        (POLICY + "; script-src 'self' HTTPS:", ["script-src 'self' HTTPS:"]),
        (POLICY + "; script-src 'self'; script-src-elem *", ["script-src-elem *"]),
        (POLICY + "; script-src 'self'; script-src-attr 'unsafe-inline'", ["script-src-attr 'unsafe-inline'"]),
        (POLICY + "; script-src 'self' 'sha256-x' 'unsafe-hashes' https://a.example", []),
        (POLICY + "; script-src 'self' data:", ["script-src 'self' data:"]),
        (POLICY + "; script-src https://*.example", ["script-src https://*.example"]),
        (POLICY + "; connect-src *", ["connect-src *"]),
        (POLICY.replace("default-src 'self'", "x-default-src 'self'"),
         ["default-src is missing", "script-src is missing"]),
    ],
)  # fmt: skip
def test_each_missing_or_wide_directive_is_reported(policy: str, faults: list[str]) -> None:
    """Each directive is required, and scripts, plugins, bases and frames may come only from the site."""
    site = Site(on_path(INDEX, header(CSP, policy)))
    assert [line.partition(" on 2 of ")[0] for line in verdicts(site, "http.csp")["http.csp"].evidence] == faults


DEFAULT, EMBEDDER = "default-src 'none'", "Cross-Origin-Embedder-Policy: require-corp"
EVAL, PERMISSIONS = "'unsafe-eval' runs text as code", "Permissions-Policy can refuse"
UNLISTED = [f"leave the site out, by {name}." for name in ("X-Robots-Tag", "a meta element", "robots.txt")]
INTEGRITY = ". Scripts and styles without it: 1"
SCRIPT = "<script type=module src=/assets/app-B1fKq0Zy.js {}></script>"


@pytest.mark.parametrize(
    ("check_id", "fault", "notes"),
    [
        ("http.csp", on_path(INDEX, body("")), [DEFAULT]),
        ("http.csp", on_path(INDEX, header(CSP, POLICY.replace("default-src 'self'", "default-src 'none'"))), []),
        ("http.csp", on_path(INDEX, header(CSP, POLICY + "; script-src 'unsafe-eval'")), [DEFAULT, EVAL]),
        ("http.csp", on_path(INDEX, body(SCRIPT.format(""))), [DEFAULT, INTEGRITY]),
        ("http.csp", on_path(INDEX, body(SCRIPT.format("integrity=sha384-x"))), [DEFAULT]),
        ("http.csp", on_path(INDEX, body("<link rel=stylesheet href=/a.css>")), [DEFAULT, INTEGRITY]),
        ("http.csp", on_path(INDEX, body("<link rel=icon href=/a.svg>")), [DEFAULT]),
        ("http.headers", on_path(INDEX, header("x-robots-tag", "noindex, nofollow")), [UNLISTED[0]]),
        ("http.headers", on_path(INDEX, body("<meta name='robots' content='noindex'>")), [UNLISTED[1]]),
        ("http.headers", on_path(INDEX, body("<meta name=robots content='index, max-image-preview:none'>")), []),
        ("http.headers", on_path(INDEX, header("x-robots-tag", "max-image-preview: none")), []),
        ("http.headers", on_path(INDEX, header("x-robots-tag", "googlebot: none")), [UNLISTED[0]]),
        ("http.headers", on_path("robots.txt", robots), [UNLISTED[2]]),
        ("http.headers", on_path("robots.txt", lambda answer: robots(answer, b"/admin")), []),
        ("http.cross-origin-headers", on_path("-5f2c.txt", header("server", "x")), [EMBEDDER]),
        ("http.cross-origin-headers", on_path(INDEX, header("permissions-policy")), [EMBEDDER, PERMISSIONS]),
        ("http.cross-origin-headers", on_path(INDEX, header("cross-origin-embedder-policy", "require-corp")), []),
    ],
)
def test_advice_is_a_note_and_no_fault(check_id: str, fault: Fault, notes: list[str]) -> None:
    """A site may have reasons to do without it, so the check passes."""
    verdict = verdicts(Site(fault), check_id)[check_id]
    assert verdict.outcome == "pass"
    assert [
        part
        for part in (DEFAULT, EVAL, INTEGRITY, EMBEDDER, PERMISSIONS, *UNLISTED)
        if any(part in note for note in verdict.notes)
    ] == notes


def test_policy_that_allows_the_site_itself_passes() -> None:
    """A base and a frame of the site's own are no weakness."""
    policy = POLICY.replace("'none'", "'self'", 2).replace("object-src 'self'", "object-src 'none'")
    site = Site(lambda _request, answer: answer.set(CSP, policy))
    assert verdicts(site, "http.csp")["http.csp"].evidence == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-robots-tag", "noindex"),
        ("link", "</docs/>; rel=prev, <https://example.org/>; rel=canonical"),
        ("alt-svc", 'h3=":443"; ma=86400'),
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ("x-frame-options", "DENY"),
        ("cf-ray", "8f"),
        ("age", "30"),
    ],
)
def test_header_that_harms_nobody_is_no_fault(name: str, value: str) -> None:
    """People and networks in front of a site add such headers on purpose."""
    assert verdicts(Site(on_path("", header(name, value))), "http.headers")["http.headers"].outcome == "pass"


def test_headers_that_are_lost_together_are_one_fault() -> None:
    """An add_header in a location removes all that are inherited. http.security-headers names the places."""

    def lose(answer: Answer) -> None:
        for name in HEADERS:
            answer.set(name)

    site = Site(on_path("favicon.svg", lose))
    outcomes = verdicts(site, "http.security-headers", "http.cross-origin-headers")
    assert [verdict.outcome for verdict in outcomes.values()] == ["fail", "pass"]
    everywhere = Site(lambda _, answer: lose(answer))
    assert verdicts(everywhere, "http.cross-origin-headers")["http.cross-origin-headers"].outcome == "fail"


@pytest.mark.parametrize("age", ["9" * 400, "9" * 5_000, "-1", "1.5"])
def test_odd_age_is_no_fault_of_the_time(age: str) -> None:
    """A cache may say anything. The time of the answer is judged without it."""
    verdict = verdicts(Site(on_path(".css", header("age", age))))["http.headers"]
    assert "the time of this machine" not in " ".join(verdict.evidence)
