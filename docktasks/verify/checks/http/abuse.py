"""Requests that no browser sends. Each is refused, or answered quickly and without harm. Bodies show what leaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from statistics import mode

from httpx import codes

from docktasks.verify.checks.http.rules import REFUSED_FIRST, exceptions, is_ours, leads_away, survey_of
from docktasks.verify.probes import odd_requests
from docktasks.verify.probes.http_client import Response
from docktasks.verify.probes.survey import LIMIT_STATUSES, Answer
from docktasks.verify.probes.ways import FOREIGN_HOST, FOREIGN_ORIGIN, METHODS
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

OUTSIDE_CONTENT = re.compile(
    rb"root:[^:\n]*:0:0:|worker_connections|try_files|daemon off|NGINX_VERSION=|\[core\]\s|-----BEGIN [A-Z ]*PRIVATE"
)
"""Found only in files outside the site: passwd, the server's configuration and environment, a repository, a key."""
FOREIGN_ADDRESS = re.compile(rf"(?:https?:|[\"'=(])(?:\\?/){{2}}{re.escape(FOREIGN_HOST)}", re.IGNORECASE)
"""The foreign host as an address. The name of a path that a page repeats is none."""
META_REFRESH = re.compile(r"""<meta(?=[^>]+http-equiv=["']?refresh)[^>]+?url=["']?([^"'>\s]+)""", re.IGNORECASE)
STATUS_PAGE = re.compile(rb"Active connections: \d|pool: +\S+\nprocess manager:")
"""What nginx or PHP tells of its connections, whatever the address of that page."""
CHANGING, REFUSED = ("PUT", "DELETE", "OPTIONS"), (301, 302, 307, 308, 401, 403, 404, 405)
"""Methods that are asked so that a server which obeys them answers otherwise than where it refuses them."""


@check("http.hidden-files", "major", fix="Keep them out of the image; answer 404 for dotfiles and backups (site.conf)")
def hidden_files(subject: Subject) -> Iterator[str]:
    """Dotfiles, repositories, archives, copies that tools leave, and a server's status page are never served."""
    survey = survey_of(subject)
    pages = {answer.response.digest for answer in survey.plain if answer.place.kind in ("page", "unknown")}
    for answer in [*survey.hidden, *(answer for answer in survey.plain if STATUS_PAGE.match(answer.response.body))]:
        response = answer.response
        if response.is_ok and response.digest not in pages:
            yield f"{response.path}: {response.summary}, {response.size} bytes of {response.media_type or 'no type'}"


@check("http.traversal", "major", fix="Serve files below one root, and end an alias with a slash (site.conf)")
def traversal(subject: Subject) -> Iterator[str]:
    """No path leads out of the site or of a folder, however its dots and slashes are written."""
    survey = survey_of(subject)
    control = survey.slips[0].response.digest  # from a folder that is not there
    for slip in survey.slips[1:]:
        if slip.response.is_ok and slip.response.digest == slip.base.digest != control:
            yield f"GET {slip.place.path}: 200, with the bytes of {slip.base.path}"
    for name, answer in survey.odd(odd_requests.traversal).items():
        if leak := OUTSIDE_CONTENT.search(answer.body):
            yield f"{name}: {answer.status}, with {leak[0].decode('latin-1')!r}"
        yield from _errors(name, answer)


@check("http.methods", "major", fix="Answer 405 with Allow to all methods but GET and HEAD (site.conf)")
def methods(subject: Subject) -> Iterator[str]:
    """Methods but GET and HEAD are refused everywhere. TRACE does not echo, and a 405 has Allow."""
    survey = survey_of(subject)
    answers = survey.ways(*METHODS)
    usual = {way: mode(answer.response.status for answer in survey.ways(way)) for way in CHANGING if answers}

    def faults(answer: Answer) -> Iterator[str]:
        response = answer.response
        error = answer.base.status if answer.base.status >= codes.BAD_REQUEST else codes.NOT_FOUND
        is_usual = response.status in (usual.get(answer.way, response.status), *REFUSED, error)
        may_succeed = answer.way == "OPTIONS" and is_usual and not subject.has("image")
        if not is_usual or (codes.is_success(response.status) and not may_succeed):
            yield f"{answer.way}: {response.status}, though no server may obey it,"
        yield from _method_faults(answer.way, response)

    yield from exceptions(answers, faults)
    for name, answer in survey.odd(odd_requests.methods).items():
        method = name.partition(" ")[0]
        if codes.is_success(answer.status) and method != "OPTIONS":
            yield f"{name}: {answer.status}"
        yield from (f"{fault} on {name}" for fault in _method_faults(method, answer))
        yield from _errors(name, answer)


def _method_faults(method: str, response: Response) -> Iterator[str]:
    status, allow = response.status, response.get_list("allow")
    if method != "OPTIONS" and FOREIGN_HOST.encode() in response.body:
        yield f"{method}: {status} echoes the request"
    if named := re.search(r"\b(?:PUT|DELETE|PATCH|TRACE|CONNECT)\b", ", ".join(allow)):
        yield f"{method}: {status} with Allow for {named[0]}"
    if status == codes.METHOD_NOT_ALLOWED and not allow and method not in REFUSED_FIRST:
        yield f"{method}: 405 without Allow"


@check("http.malformed", "major", fix="Refuse what RFC 9112 calls malformed (nginx >= 1.21). Escape what pages repeat")
def malformed(subject: Subject) -> Iterator[str]:
    """A malformed or huge request gets one answer, quickly, and no 5xx. It becomes no request, header or element."""
    for name, answer in survey_of(subject).odd(odd_requests.malformed).items():
        if answer.count > 1:
            yield f"{name}: {answer.count} answers, so a second request can be hidden in it"
        if re.search(r"(?i)[\r\n]x-canary:", answer.head):
            yield f"{name}: became a header of the answer"
        if odd_requests.MARKUP.encode() in answer.body and "html" in answer.media_type:
            yield f"{name}: became an element of the page"
        yield from _errors(name, answer)


@check("http.host", "major", fix="Build no redirect from Host (absolute_redirect off), or answer only known hosts")
def host(subject: Subject) -> Iterator[str]:
    """A foreign, invalid, missing or double Host is refused, or appears nowhere in the answer."""
    survey, is_own = survey_of(subject), subject.has("image")
    for name, answer in survey.odd(odd_requests.hosts).items():
        if FOREIGN_HOST in answer.get("location"):
            yield f"{name}: {answer.summary}"
        elif _repeats_host(name, answer, is_own=is_own):
            yield f"{name}: {answer.status}, with the foreign host in the answer"
        yield from _errors(name, answer)

    def faults(answer: Answer) -> Iterator[str]:
        if _repeats_host(answer.request.path, answer.response, is_own=is_own):
            yield "the foreign host is in the answer"

    yield from exceptions(survey.ways("foreign host"), faults)


@check("http.cors", "major", fix="Allow the origins that you know by name, and no credentials")
def cors(subject: Subject) -> Iterator[str]:
    """No answer lets any origin that asks read it, or read it with the visitor's cookies. _headers may open files."""
    survey, is_built = survey_of(subject), is_ours(subject, "access-control-allow-origin")

    def faults(answer: Answer) -> Iterator[str]:
        response = answer.response
        allowed = response.get("access-control-allow-origin")
        sent = dict(answer.request.headers).get("origin", FOREIGN_ORIGIN)
        if sent in allowed or allowed == "null" or (allowed == "*" and is_built):
            yield f"Access-Control-Allow-Origin: {allowed}"
        if allowed and response.get("access-control-allow-credentials").lower() == "true":
            yield f"Access-Control-Allow-Credentials for {allowed}"

    yield from exceptions(survey.seen, faults)


@check("http.cookies", "major", fix="Remove them: a site of files needs no cookie (add_header, proxy_cookie_…)")
def cookies(subject: Subject) -> Iterator[str]:
    """No answer sets a cookie, clears the browser's data, leads it away by Refresh, or asks for a password."""
    survey, names = survey_of(subject), ("set-cookie", "clear-site-data", "refresh", "www-authenticate")

    def faults(answer: Answer) -> Iterator[str]:
        yield from (f"{name}: {value}" for name, value in answer.response.headers if name in names)
        text = answer.response.text if answer.is_page else ""
        if any(leads_away(survey.site, answer.request.path, META_REFRESH.findall(text))):
            yield "<meta http-equiv=refresh> to another origin"

    return exceptions(survey.seen, faults)


def _repeats_host(request: str, response: Response, *, is_own: bool) -> bool:
    """True if a header or the body has the foreign host. What http.redirects judges does not count.

    In the body only an address counts where the path has the host, too, or where it is refused. Servers of others
    refuse it by any error.
    """
    status, headers = response.status, "\n".join(value for name, value in response.headers if name != "location")
    is_refused = status in (400, 403, 421) or (status >= codes.BAD_REQUEST and not is_own)
    is_harmless = is_refused or FOREIGN_HOST in request.partition(",")[0]
    is_in_body = FOREIGN_ADDRESS.search(response.text) if is_harmless else FOREIGN_HOST in response.text
    return FOREIGN_HOST in headers or bool(is_in_body)


def _errors(request: str, answer: Response) -> Iterator[str]:
    """What no request may cause: an error of the server. A limit on requests is not of this one."""
    if answer.is_failure and answer.status not in LIMIT_STATUSES:
        yield f"{request}: {answer.status}"
