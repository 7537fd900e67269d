"""Which headers an answer may have. Each header that neither the build nor the site's _headers sends is judged."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.verify.checks.http.rules import exceptions, is_ours, survey_of
from docktasks.verify.probes.survey import Answer
from docktasks.verify.registry import Minor, check
from docktasks.verify.subject import Subject

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
    r"strict-transport-security|x-robots-tag|x-frame-options|content-(?:language|disposition)|link|alt-svc|age|pragma"
    r"|timing-allow-origin|origin-agent-cluster|access-control-(?:max-age|expose-headers|allow-(?:methods|headers))"
    r"|content-security-policy-report-only|x-xss-protection|x-permitted-cross-domain-policies|x-download-options"
)
"""What people add on purpose. Some of its values are faults."""
LOADS = r"[^,]*\brel\s*=\s*\"?(?:modulepreload|preload|prefetch|stylesheet|icon|manifest|preconnect|prerender)"
FAULTS = {
    "service-worker-allowed": (r".", "a script of a folder may take over the whole site"),
    "(?:x-)?sourcemap": (r".", "it tells where the app's source is"),
    "link": (rf"<\s*(?:https?:)?//{LOADS}", "browsers load what another host sends"),
    "alt-svc": (r"=\"[^\":]+:", "browsers go to another host"),
    "x-accel-(?!expires|buffering).*|x-sendfile": (r".", "it is an order to a proxy, and tells a path"),
    "content-location": (r"//", "it names another host"),
    "x-frame-options": (r"^(?!(?:deny|sameorigin)$)", "no browser knows the value"),
    "strict-transport-security": (r"max-age=\"?0*\"?(?:;|$)", "it ends the rule that browsers use https only"),
    "x-permitted-cross-domain-policies": (r"all|by-", "other programs may read the site"),
    "content-security-policy-report-only": (r"report-(?:uri|to)\s+(?:https?:)?//", "browsers report to another host"),
    r".*(?:token|secret|password|passwd|api-?key|private)[^-]*|(?:proxy-)?authorization": (r".", "it tells a secret"),
}
"""Name -> the values that are a fault wherever they are, and what happens. All are patterns."""
OWN_FAULTS = {
    "age": (r"[1-9]", "no cache is there, and one behind it takes the answer for old"),
    "nel|report-to|reporting-endpoints": (r".", "browsers report their visits"),
    "content-disposition": (r"attachment", "a browser saves a page in place of showing it"),
    "access-control-allow-private-network": (r".", "other sites reach this one in a visitor's network"),
}
"""The same, for what only a release of ours may not send. A CDN sends some of these."""
MAX_HEAD_BYTES = 16_000
"""nginx takes 4 or 8 kB from a server behind it, Node.js 16, and Chrome 256: what is larger becomes an error."""


@check("http.headers", "major", fix="Remove the header (add_header), or name it in the site's _headers if you want it")
def headers(subject: Subject) -> Iterator[str]:
    """No answer has a header that leads browsers or caches astray, or more headers than proxies take."""
    is_built = subject.has("image")

    def faults(answer: Answer) -> Iterator[str]:
        lines = answer.response.headers
        size = sum(len(name) + len(value) + 4 for name, value in lines)
        if size > MAX_HEAD_BYTES:
            longest, value = max(lines, key=lambda line: len(line[1]))
            yield f"{size // 1000} kB of headers, {len(value) // 1000} kB of them {longest}: many proxies refuse them,"
        for name, value in lines:
            if not KNOWN.fullmatch(name) and not ELSEWHERE.fullmatch(name):
                yield from _faults_of(answer, name, value, is_built=is_built and is_ours(subject, name))

    return exceptions(survey_of(subject).seen, faults)


def _faults_of(answer: Answer, name: str, value: str, *, is_built: bool) -> Iterator[str]:
    if name == "content-disposition" and not answer.is_page:
        return
    short = f"{name}: {value[:60]}"
    rules = FAULTS | OWN_FAULTS if is_built else FAULTS
    matches = [(values, result) for pattern, (values, result) in rules.items() if re.fullmatch(pattern, name)]
    for values, result in matches:
        if re.search(values, value, re.IGNORECASE):
            yield f"{short}: {result},"
    if is_built and not matches and not HARMLESS.fullmatch(name):
        yield Minor(f"{name}: the build does not send it,")  # one line, whatever its values are
