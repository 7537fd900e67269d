"""Security headers, the Content-Security-Policy, and what a response tells about the server."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.verify.checks.http.samples import MISSING_NAME, index_page, raw_request, responses_of_each_kind
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.csp import Page, blocked_code, policies, weaknesses
from docktasks.verify.registry import Note, check
from docktasks.verify.subject import Subject

CSP = "content-security-policy"
SECURITY_HEADERS = {CSP: r".", "x-content-type-options": r"^nosniff$"}
CROSS_ORIGIN_HEADERS = {
    "referrer-policy": r"^(no-referrer|same-origin|strict-origin|origin)(?!-when-downgrade)",
    "permissions-policy": r".",
    "cross-origin-opener-policy": r"^(same-origin|noopener)",
    "cross-origin-resource-policy": r"^(same-(origin|site)|cross-origin)$",
}
SERVER_VERSION = re.compile(
    r"\b(?:nginx|apache|caddy|openresty|lighttpd|iis|express|php|node(?:\.js)?|envoy|vite)/v?\d", re.IGNORECASE
)


@check("http.security-headers", "major", fix="Set them once at server level, with `always`, never in a location")
def security_headers(subject: Subject) -> Iterator[str]:
    """Content-Security-Policy and nosniff are sent exactly once with 200, 206, 304, 404, 405 and 416."""
    return _header_faults(subject.site, SECURITY_HEADERS)


@check("http.cross-origin-headers", "minor", fix="Set each once at server level, with `always` (security.conf)")
def cross_origin_headers(subject: Subject) -> Iterator[str]:
    """The headers that limit what other sites learn and reach are sent exactly once with every status."""
    headers = dict(CROSS_ORIGIN_HEADERS)
    if not subject.site.index.get("permissions-policy"):
        del headers["permissions-policy"]
        yield Note("advice: Permissions-Policy can refuse the camera to all scripts, as prod.csp: strict does")
    yield from _header_faults(subject.site, headers)
    if not subject.site.index.get("cross-origin-embedder-policy"):
        yield Note(
            "advice: Cross-Origin-Embedder-Policy: require-corp isolates a site that loads nothing of other sites"
        )


def _header_faults(site: Site, expected: dict[str, str]) -> Iterator[str]:
    """Faults of these headers, which must match a pattern."""
    for request, response in responses_of_each_kind(site).items():
        for name, pattern in expected.items():
            values = response.get_list(name)
            if len(values) != 1:
                yield f"{request}, {response.status}: {name} is sent {len(values)} times"
            elif not re.search(pattern, values[0], re.IGNORECASE):
                yield f"{request}, {response.status}: {name}: {values[0]}"


@check("http.csp", "major", fix="Allow only scripts of the site ('self', hashes), no plugins, no other base or frame")
def csp(subject: Subject) -> Iterator[str]:
    """The Content-Security-Policy blocks injected inline scripts, foreign scripts, plugins, bases and frames."""
    index = index_page(subject.site)
    csp_policies = policies(index.get_list(CSP), index.body.decode(errors="replace"))
    yield from (f"{index.path}: {line}" for line in weaknesses(csp_policies, index.get("x-frame-options")))
    if any(policy.takes_text_as_code for policy in csp_policies):
        yield Note("advice: 'unsafe-eval' runs text as code; a script that is injected as text can then run, too")
    if not any(policy.is_strict for policy in csp_policies):
        yield Note("advice: begin the policy with default-src 'none', and name each kind of file that the site loads")
    if loaded := Page(index.body.decode(errors="replace")).without_integrity:
        yield Note(f"advice: integrity lets a browser refuse changed files; {loaded} scripts and styles have none")


@check("http.csp-allows-page", "critical", fix="Move inline code into files, or add its hash to the policy")
def csp_allows_page(subject: Subject) -> Iterator[str]:
    """The Content-Security-Policy allows the inline scripts and styles of the page."""
    index = index_page(subject.site)
    html = index.body.decode(errors="replace")
    yield from (f"{index.path}: {line}" for line in blocked_code(policies(index.get_list(CSP), html), html))


@check("http.server-version", "minor", fix="Hide the version (server_tokens off)")
def server_version(subject: Subject) -> Iterator[str]:
    """Neither a header nor an error page tells which version of a server answers."""
    site = subject.site
    texts = {
        request: f"{response.get('server')} {response.get('x-powered-by')}"
        for request, response in responses_of_each_kind(site).items()
    }
    for request, text in (texts | _error_pages(site)).items():
        if version := SERVER_VERSION.search(text):
            yield f"{request}: {text[version.start() : version.end() + 8].split()[0]}"


def _error_pages(site: Site) -> dict[str, str]:
    """Request line and status -> the beginning of the answer, for requests that a server answers with its own page."""
    requests = (
        (f"GET {site.home}{MISSING_NAME}.txt HTTP/1.1",), (f"POST {site.home} HTTP/1.1",), ("GET / HTTP/1.1", "A b"),
        (f"GET {site.home}{'a' * 40_000} HTTP/1.1",), (f"GET {site.home} HTTP/9.9",),
    )  # fmt: skip
    answers = site.send_raw(*(raw_request(site, *lines) for lines in requests))
    return {
        f"{line[:50]} ({answer.status})": answer.data[:4096].decode("latin-1")
        for (line, *_), answer in zip(requests, answers, strict=True)
    }
