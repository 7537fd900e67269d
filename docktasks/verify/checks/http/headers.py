"""Headers that limit what a browser does and what others learn, on every answer; and what pages load and tell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mode
from urllib.parse import unquote

from docktasks.verify.checks.http.rules import exceptions, is_ours, listed, survey_of
from docktasks.verify.probes.connection import Headers
from docktasks.verify.probes.csp import Page, blocked_code, policies, weaknesses
from docktasks.verify.probes.survey import Answer, Survey
from docktasks.verify.registry import Minor, Note, check
from docktasks.verify.subject import Subject

CSP = "content-security-policy"
WITHOUT_INTEGRITY = {"fonts.googleapis.com"}
"""Hosts whose answer depends on the browser, so that no integrity fits."""
SECURITY_HEADERS = {CSP: r".", "x-content-type-options": r"^nosniff$"}
CROSS_ORIGIN_HEADERS = {
    "referrer-policy": r"^(no-referrer|same-origin|strict-origin|origin)(?!-when-downgrade)",
    "permissions-policy": r"^(?!\s*\*)(?!.*\b(?:camera|microphone|geolocation|payment|usb)\s*=\s*\(?\*)",
    "cross-origin-opener-policy": r"^(same-origin|noopener)",
    "cross-origin-resource-policy": r"^(same-(origin|site)|cross-origin)$",
}
SERVER_HEADERS = re.compile(r"server|via|x-powered-by|x-aspnet.*|x-generator|x-runtime|x-(?:backend|upstream|debug).*")
SERVER_VERSION = re.compile(
    r"\b(?:nginx|apache|caddy|openresty|lighttpd|iis|httpapi|express|php|node(?:\.js)?|envoy|vite|gunicorn|werkzeug|"
    r"uvicorn|tomcat|jetty|kestrel|varnish|haproxy|traefik|python|openssl|tengine|cherokee)[/ ]v?\d[\w.]*",
    re.IGNORECASE,
)
VERSION = re.compile(r"[\w.-]+(?:/v?\d|(?<=[a-z])[ -]v?\d+\.\d)[\w.]*", re.IGNORECASE)
STACK_TRACE = re.compile(
    r"Traceback \(most recent call last\)|^\s+at .{1,200}:\d+(?::\d+)?\)?$|\bgoroutine \d+ \[|node_modules/|"
    r"(?<![\w./:-])(?:[A-Z]:)?[\w./\\-]+\.(?:py|rb|php|[mc]?js|tsx?|cs|vb|java|kt|go|rs|pl|exs?|lua|scala|c|cpp)"
    r"(?:[\"')]*,? (?:on )?line \d+|:(?:line )?\d+)|(?-i:\b[\w.]*[a-z]Exception\b(?=:| at |\s*$))|"
    r"\bat [\w$]+(?:\.[\w$<>]+)+\(|^panic: |\bpanicked at |no such file or directory|"
    r"SQLSTATE\[|\bORA-\d{5}|\bsyntax error at or near|Stack ?trace:|Backtrace:",
    re.MULTILINE | re.IGNORECASE,
)
SERVER_PATH = re.compile(r"(?<![\w./%-])(?:/(?:srv|var/www|usr/(?:share|local|lib)|root|etc)|[A-Z]:\\)[/\\][\w./\\-]+")
KNOWN = re.compile(
    r"connection|keep-alive|transfer-encoding|content-(?:length|type|encoding|range|security-policy)|accept-ranges|date"
    r"|server|etag|last-modified|expires|cache-control|vary|location|allow|x-content-type-options|referrer-policy"
    r"|permissions-policy|cross-origin-(?:opener|resource|embedder)-policy|retry-after|use-as-dictionary"
)
"""What nginx and our configuration send, and what the checks of caches judge."""
ELSEWHERE = re.compile(
    r"access-control-allow-(?:origin|credentials)|set-cookie|clear-site-data|refresh|www-authenticate|x-powered-by|via"
    r"|x-(?:generator|runtime|aspnet.*|backend.*|upstream.*|debug.*)|.*(?:cache|surrogate|edge)-control|x-accel-expires"
)
"""What another check reports."""
HARMLESS = re.compile(
    r"strict-transport-security|x-robots-tag|x-frame-options|content-(?:language|disposition|location)|link|alt-svc|age|pragma"
    r"|timing-allow-origin|origin-agent-cluster|access-control-(?:max-age|expose-headers|allow-(?:methods|headers))"
    r"|content-security-policy-report-only|x-xss-protection|x-permitted-cross-domain-policies|x-download-options"
    r"|x-request-id|server-timing"
)
"""What people add on purpose. Some of its values are faults."""
_TABLE = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
"""What is wrong about headers. Its `about` says what a row has."""
MAX_HEAD_BYTES = 16_000
"""nginx takes 4 or 8 kB from a server behind it, Node.js 16, and Chrome 256: what is larger becomes an error."""


@check("http.security-headers", "major", fix="Set them once at server level, with `always`, never in a location")
def security_headers(subject: Subject) -> Iterator[str]:
    """Content-Security-Policy and nosniff are sent exactly once with every answer: pages, files, errors, redirects."""
    return exceptions(_judged(survey_of(subject)), _faults_of(SECURITY_HEADERS))


@check("http.cross-origin-headers", "minor", fix="Set each once at server level, with `always` (security.conf)")
def cross_origin_headers(subject: Subject) -> Iterator[str]:
    """The headers that limit what other sites learn and reach are sent exactly once with every answer."""
    survey, headers = survey_of(subject), dict(CROSS_ORIGIN_HEADERS)
    index = survey.site.index
    if not index.get("permissions-policy"):
        del headers["permissions-policy"]
        yield Note("advice: Permissions-Policy can refuse the camera to all scripts, as prod.csp: strict does")
    judged = _judged(survey)
    yield from exceptions(judged, _faults_of(headers))
    names = [name for name in headers if is_ours(subject, name)]
    usual = {name: mode(answer.response.get(name) for answer in judged) for name in names}
    yield from exceptions(judged, lambda answer: _unusual(answer, usual, headers))
    if not index.get("cross-origin-embedder-policy"):
        yield Note(
            "advice: Cross-Origin-Embedder-Policy: require-corp isolates a site that loads nothing of other sites"
        )


def _unusual(answer: Answer, usual: dict[str, str], patterns: dict[str, str]) -> Iterator[str]:
    """The values that are right, but are not what the build sends everywhere else."""
    for name, value in usual.items():
        sent = answer.response.get(name)
        if sent != value and re.search(patterns[name], sent, re.IGNORECASE):
            yield f"{name}: {sent}, and {value} elsewhere,"


def _judged(survey: Survey) -> list[Answer]:
    """The answers that the site chose, not those to a request that it cannot read."""
    return [answer for answer in survey.seen if answer.response.status not in (400, 414, 431, 501)]


def _faults_of(expected: dict[str, str]) -> Callable[[Answer], Iterator[str]]:
    """A rule: each of these headers is there once, and matches a pattern."""

    def faults(answer: Answer) -> Iterator[str]:
        for name, pattern in expected.items():
            values = answer.response.get_list(name)
            if len(values) != 1:
                yield f"{name} is sent {len(values)} times" if values else f"{name} is missing"
            elif not re.search(pattern, values[0], re.IGNORECASE):
                yield f"{name}: {values[0]}"

    return faults


@check("http.csp", "major", fix="Allow only scripts of the site ('self', hashes), no plugins, no other base or frame")
def csp(subject: Subject) -> Iterator[str]:
    """Everywhere the Content-Security-Policy blocks injected inline scripts, foreign scripts, plugins and frames."""
    survey = survey_of(subject)
    yield from exceptions(_judged(survey), _weaknesses)
    yield from _kept_nonces(survey)
    index = survey.site.index
    csp_policies = policies(index.get_list(CSP), index.text)
    if any(policy.takes_text_as_code for policy in csp_policies):
        yield Note("advice: 'unsafe-eval' runs text as code; a script that is injected as text can then run, too")
    if not any(policy.is_strict for policy in csp_policies):
        yield Note("advice: begin the policy with default-src 'none', and name each kind of file that the site loads")
    if loaded := Page(index.text).without_integrity:
        yield Note(
            f"advice: by integrity a browser refuses changed files. Scripts and styles without it: {len(loaded)}"
        )


def _weaknesses(answer: Answer) -> Iterator[str]:
    response = answer.response
    csp_policies = policies(response.get_list(CSP), response.text if answer.is_page else "")
    is_bare_error = response.status >= 400 and any(policy.is_strict for policy in csp_policies)  # noqa: PLR2004
    if not is_bare_error and (csp_policies or (answer.is_page and response.is_ok)):
        yield from weaknesses(csp_policies, response.get("x-frame-options"))


def _kept_nonces(survey: Survey) -> Iterator[str]:
    """The nonces that two answers have. A visitor who has seen one can use it on another."""
    nonces: dict[str, set[str]] = {}
    for answer in survey.seen:
        if answer.is_page and answer.response.is_ok:
            for nonce in re.findall(r"'nonce-([^']+)'", answer.response.get(CSP)):
                nonces.setdefault(nonce, set()).add(answer.label)
    yield from (
        f"the nonce {nonce} is the same in {len(labels)} answers: {', '.join(sorted(labels)[:3])}"
        for nonce, labels in nonces.items()
        if len(labels) > 1
    )


@check("http.csp-allows-page", "critical", fix="Move inline code into files, or add its hash to the policy")
def csp_allows_page(subject: Subject) -> Iterator[str]:
    """The Content-Security-Policy allows the inline scripts and styles of each page."""
    return exceptions((answer for answer in survey_of(subject).plain if answer.is_page), _blocked_code)


def _blocked_code(answer: Answer) -> Iterator[str]:
    html = answer.response.text
    return blocked_code(policies(answer.response.get_list(CSP), html), html)


@check("http.server-version", "minor", fix="Hide the version (server_tokens off), and the details of errors")
def server_version(subject: Subject) -> Iterator[str]:
    """No answer tells the version of a server or a path on it, or shows where its code has failed."""
    survey = survey_of(subject)
    yield from exceptions(survey.seen, _told)
    for name, answer in survey.odd_answers.items():
        error = answer.body[:4096].decode("latin-1")
        error = error if answer.status >= 400 else ""  # noqa: PLR2004
        yield from (f"{fault} on {name}" for fault in _told_by(answer.headers, error))


def _told(answer: Answer) -> Iterator[str]:
    is_error = answer.response.status >= 400  # noqa: PLR2004 - HTTP's errors begin there
    text = answer.response.text if is_error or (answer.place.kind == "own" and not answer.is_page) else ""
    yield from _told_by(answer.response.headers, text)
    path = SERVER_PATH.search(text)
    if path and path[0] not in unquote(answer.request.path):
        yield f"a path of the server ({path[0][:60]})"


def _told_by(all_headers: Headers, error: str) -> Iterator[str]:
    headers = "\n".join(f"{name}: {value}" for name, value in all_headers if SERVER_HEADERS.fullmatch(name))
    if version := VERSION.search(headers) or SERVER_VERSION.search(error):
        yield version[0]
    elif powered := re.search(r"^x-.*", headers, re.MULTILINE):
        yield powered[0]
    if trace := STACK_TRACE.search(error):
        yield f"a stack trace ({' '.join(trace[0].split())[:60]})"


@check("http.headers", "major", fix="Remove the header (add_header), or name it in the site's _headers if you want it")
def headers(subject: Subject) -> Iterator[str]:
    """No header leads browsers or caches astray, or is too large for proxies. A site of ours has only its own."""
    is_built = subject.has("image")

    def faults(answer: Answer) -> Iterator[str]:
        lines = answer.response.headers
        size = sum(len(name) + len(value) + 4 for name, value in lines)
        if size > MAX_HEAD_BYTES:
            longest, value = max(lines, key=lambda line: len(line[1]))
            yield f"{size // 1000} kB of headers, {len(value) // 1000} kB of them {longest}: many proxies refuse them,"
        for name, value in lines:
            if not KNOWN.fullmatch(name) and not ELSEWHERE.fullmatch(name):
                yield from _faults_of_header(name, value, is_built=is_built and is_ours(subject, name))

    return exceptions(survey_of(subject).seen, faults)


def _faults_of_header(name: str, value: str, *, is_built: bool) -> Iterator[str]:
    short = f"{name}: {value[:60]}"
    rules = _TABLE["faults"] + (_TABLE["own_faults"] if is_built else [])
    rows = [(values, result) for pattern, values, result in rules if re.fullmatch(pattern, name)]
    faults = [f"{short}: {result}," for values, result in rows if re.search(values, value, re.IGNORECASE)]
    yield from faults
    if is_built and not faults and not HARMLESS.fullmatch(name):
        yield Minor(f"{name}: the build does not send it,")  # one line, whatever its values are


@check("http.source-maps", "minor", fix="Build without inline source maps: build.sourcemap false or 'hidden'")
def source_maps(subject: Subject) -> Iterator[str]:
    """No script or style sheet contains its source map: every visitor would load the app's source."""
    survey = survey_of(subject)
    files = survey.site.files
    if paths := [path for path, file in files.items() if file.references.has_map]:
        yield f"an inline source map is in {len(paths):,} of {len(files):,} files: {listed(paths)}"


@check("http.third-party", "minor", fix="Add integrity and crossorigin to the element, or serve the file yourself")
def third_party(subject: Subject) -> Iterator[str]:
    """Scripts and style sheets of other hosts have an integrity, or that host can change what the pages do."""
    survey = survey_of(subject)

    def faults(answer: Answer) -> Iterator[str]:
        for address in Page(answer.response.text).without_integrity:
            host = re.match(r"\s*(?:https?:)?//([^/?#]+)", address)
            if host and host[1] not in WITHOUT_INTEGRITY and host[1] != survey.site.origin.partition("//")[2]:
                yield f"{address} without integrity"

    return exceptions((answer for answer in survey.plain if answer.is_page), faults)
