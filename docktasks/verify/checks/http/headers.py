"""Security headers, the Content-Security-Policy, and what an answer tells of the server."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.verify.checks.http.files import request
from docktasks.verify.checks.http.samples import MISSING, kinds, page
from docktasks.verify.probes.csp import open_ways, policies
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

CSP = "content-security-policy"
NEEDED = {CSP: r".", "x-content-type-options": r"^nosniff$"}
ISOLATING = {
    "referrer-policy": r"^(no-referrer|same-origin|strict-origin|origin)(?!-when-downgrade)",
    "permissions-policy": r".",
    "cross-origin-opener-policy": r"^(same-origin|noopener)",
    "cross-origin-resource-policy": r"^(same-(origin|site)|cross-origin)$",
}
VERSION = re.compile(
    r"\b(?:nginx|apache|caddy|openresty|lighttpd|iis|express|php|node(?:\.js)?|envoy|vite)/v?\d", re.IGNORECASE
)


def _stand(subject: Subject, wanted: dict[str, str]) -> Iterator[str]:
    for what, answer in kinds(subject.site).items():
        for name, pattern in wanted.items():
            given = answer.all(name)
            if len(given) != 1:
                yield f"{what}, {answer.status}: {name} stands {len(given)} times"
            elif not re.search(pattern, given[0], re.IGNORECASE):
                yield f"{what}, {answer.status}: {name}: {given[0]}"


@check(
    "http.security-headers",
    severity="major",
    needs="url",
    fix="Set them once at server level, with `always`; an add_header in a location drops those of the server (nginx/)",
)
def security_headers(subject: Subject) -> Iterator[str]:
    """Content-Security-Policy and nosniff stand exactly once on 200, 206, 304, 404, 405 and 416."""
    return _stand(subject, NEEDED)


@check(
    "http.isolation",
    severity="minor",
    needs="url",
    fix="Set Referrer- and Permissions-Policy, Cross-Origin-Opener- and -Resource-Policy once, with `always` (nginx/)",
)
def isolation(subject: Subject) -> Iterator[str]:
    """What other sites learn and reach is said, exactly once, on 200, 206, 304, 404, 405 and 416."""
    return _stand(subject, ISOLATING)


@check(
    "http.csp",
    severity="major",
    needs="url",
    fix="Allow scripts of the site alone (script-src 'self', hosts, hashes, nonces), no plugin, no other base or frame",
)
def csp(subject: Subject) -> Iterator[str]:
    """The policy blocks an injected inline script, and scripts of anybody, plugins, another base, foreign frames."""
    shell = page(subject.site)
    given, _ = policies(shell.all(CSP), subject.site.origin + shell.path, shell.body.decode(errors="replace"))
    if not given:
        yield f"{shell.path}: there is no policy"
    yield from (f"{shell.path}: {way}" for way in open_ways(given, shell.get("x-frame-options")))


@check(
    "http.csp-fits",
    severity="critical",
    needs="url",
    fix="Move inline code into files, or name its hash; name the other origins that the page loads from in the policy",
)
def csp_fits(subject: Subject) -> Iterator[str]:
    """The page keeps to its own policy: every script, style and image that it names, and inline code."""
    shell = page(subject.site)
    given, uses = policies(shell.all(CSP), subject.site.origin + shell.path, shell.body.decode(errors="replace"))
    for use in uses:
        for policy in given:
            if not policy.allows(use):
                sources = policy.sources(use.directive) or []
                yield f"{shell.path}: {use.what} is against {use.directive} {' '.join(sources)}"


@check(
    "http.version",
    severity="minor",
    needs="url",
    fix="Say no version (server_tokens off)",
)
def version(subject: Subject) -> Iterator[str]:
    """Neither a header nor an error page tells which version of a server answers."""
    site = subject.site
    said = {what: f"{answer.get('server')} {answer.get('x-powered-by')}" for what, answer in kinds(site).items()}
    odd = (
        (f"GET {site.home}{MISSING}.txt HTTP/1.1",), (f"POST {site.home} HTTP/1.1",), ("GET / HTTP/1.1", "A b"),
        (f"GET {site.home}{'a' * 40_000} HTTP/1.1",), (f"GET {site.home} HTTP/9.9",),
    )  # fmt: skip
    for (line, *_), sent in zip(odd, site.raw(*(request(site, *lines) for lines in odd)), strict=True):
        said[f"{line[:50]} ({sent.status})"] = sent.data[:4096].decode("latin-1")
    for what, text in said.items():
        if found := VERSION.search(text):
            yield f"{what}: {text[found.start() : found.end() + 8].split()[0]}"
