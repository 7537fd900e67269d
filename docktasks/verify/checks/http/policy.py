"""The Content-Security-Policy everywhere: what it leaves open, what it blocks, and what pages load of other hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from operator import itemgetter

from httpx import codes

from docktasks.verify.checks.http.rules import exceptions, is_ours, survey_of, understood
from docktasks.verify.probes.crawler import grouped
from docktasks.verify.probes.csp import CSP, blocked_code, policies, weaknesses
from docktasks.verify.probes.html_page import HtmlPage
from docktasks.verify.probes.survey import Answer, Survey
from docktasks.verify.registry import Major, Minor, Note, check
from docktasks.verify.subject import Subject

OF_A_PAGE = "script-src", "style-src", "connect-src"
WITHOUT_INTEGRITY = {"fonts.googleapis.com"}
"""Hosts whose answer depends on the browser, so that no integrity fits."""


@check("http.csp", "major", fix="Allow only scripts of the site ('self', hashes), no plugins, no other base or frame")
def csp(subject: Subject) -> Iterator[str]:
    """Everywhere the Content-Security-Policy blocks injected inline scripts, foreign scripts, plugins and frames."""
    survey = survey_of(subject)
    yield from exceptions(understood(survey), _weaknesses)
    yield from _kept_nonces(survey)
    if is_ours(subject, CSP) and (built := subject.written.get("policy/policy.conf", "")):
        once = (answer for answer in survey.seen if len(answer.response.get_list(CSP)) == 1)  # http.security-headers
        yield from exceptions(once, lambda answer: _unbuilt(answer.response.get(CSP), built))
    index = survey.site.index
    csp_policies = policies(index.get_list(CSP), index.text)
    if any("'unsafe-eval'" in (policy.sources("script-src") or ()) for policy in csp_policies):
        yield Note("advice: 'unsafe-eval' runs text as code; a script that is injected as text can then run, too")
    if not any(policy.is_strict for policy in csp_policies):
        yield Note("advice: begin the policy with default-src 'none', and name each kind of file that the site loads")
    if loaded := HtmlPage(index.text).without_integrity:
        yield Note(f"advice: integrity keeps changed files out of a page. Scripts and styles without it: {len(loaded)}")


def _weaknesses(answer: Answer) -> Iterator[str]:
    response = answer.response
    csp_policies = policies(response.get_list(CSP), response.text if answer.is_page else "")
    is_bare_error = response.status >= codes.BAD_REQUEST and any(policy.is_strict for policy in csp_policies)
    if not is_bare_error and (csp_policies or (answer.is_page and response.is_ok)):
        yield from weaknesses(csp_policies, response.get("x-frame-options"))


@lru_cache(256)  # a site has few policies, and thousands of answers
def _unbuilt(policy: str, built: str) -> list[str]:
    """The directives that the build did not write. A page adds to some (images/nginx/policy.mjs)."""
    directives = [text for text in policy.split("; ") if text not in built and not text.startswith(OF_A_PAGE)]
    return [f"{text}, which the build did not write," for text in directives]


def _kept_nonces(survey: Survey) -> Iterator[str]:
    """The nonces that two answers have. A visitor who has seen one can use it on another."""
    pages = (answer for answer in survey.seen if answer.is_page and answer.response.is_ok)
    sent = {(nonce, page.label) for page in pages for nonce in re.findall(r"'nonce-([^']+)'", page.response.get(CSP))}
    for nonce, same in grouped(sorted(sent), itemgetter(0)).items():
        if len(same) > 1:
            yield f"the nonce {nonce} is the same in {len(same)} answers: {', '.join(label for _, label in same[:3])}"


@check("http.csp-allows-page", "critical", fix="Move inline code into files, or add its hash to the policy")
def csp_allows_page(subject: Subject) -> Iterator[str]:
    """The Content-Security-Policy allows the inline scripts, handlers and styles of each page."""
    return exceptions((answer for answer in survey_of(subject).plain if answer.is_page), _blocked_code)


def _blocked_code(answer: Answer) -> Iterator[str]:
    html = answer.response.text
    for inline in blocked_code(policies(answer.response.get_list(CSP), html), html):
        of_attribute = Minor if inline.tag == "style" else Major
        yield of_attribute(inline.label) if inline.attribute else inline.label


@check("http.third-party", "minor", fix="Add integrity and crossorigin to the element. Serve what a file imports")
def third_party(subject: Subject) -> Iterator[str]:
    """Scripts and style sheets of other hosts have an integrity, or that host can change what the pages do."""
    survey = survey_of(subject)

    def faults(answer: Answer) -> Iterator[str]:
        response = answer.response
        for address in HtmlPage(response.text).without_integrity if answer.is_page else response.references.foreign:
            host = re.match(r"\s*(?:https?:)?//([^/?#]+)", address)
            if host and host[1] not in WITHOUT_INTEGRITY and host[1] != survey.site.origin.partition("//")[2]:
                yield f"{address} without integrity" if answer.is_page else f"it imports {address}"

    pages = (answer for answer in survey.plain if answer.is_page)
    return exceptions([*pages, *survey.files()], faults)
