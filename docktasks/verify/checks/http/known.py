"""Which headers an answer may have. Each header that neither the build nor the site's _headers sends is judged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

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
TABLE: dict[str, list[list[str]]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
FAULTS, OWN_FAULTS = TABLE["faults"], TABLE["own_faults"]
"""Name, the values that are a fault, and what happens. The first two are patterns.

Those of the second hold only for a release of ours: a CDN sends some of these.
"""
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
            is_saved_file = name == "content-disposition" and not answer.is_page
            if not is_saved_file and not KNOWN.fullmatch(name) and not ELSEWHERE.fullmatch(name):
                yield from _faults_of(name, value, is_built=is_built and is_ours(subject, name))

    return exceptions(survey_of(subject).seen, faults)


def _faults_of(name: str, value: str, *, is_built: bool) -> Iterator[str]:
    short = f"{name}: {value[:60]}"
    rules = FAULTS + OWN_FAULTS if is_built else FAULTS
    matches = [(values, result) for pattern, values, result in rules if re.fullmatch(pattern, name)]
    for values, result in matches:
        if re.search(values, value, re.IGNORECASE):
            yield f"{short}: {result},"
    if is_built and not matches and not HARMLESS.fullmatch(name):
        yield Minor(f"{name}: the build does not send it,")  # one line, whatever its values are
