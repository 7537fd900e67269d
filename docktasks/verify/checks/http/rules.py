"""How the HTTP checks judge a survey: a rule holds everywhere, and what it does not hold for is listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urljoin, urlsplit

from docktasks.errors import Skip
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import Response
from docktasks.verify.probes.survey import Answer, Survey
from docktasks.verify.probes.ways import FOREIGN_HOST
from docktasks.verify.subject import Subject

MAX_NAMED_PLACES = 12
"""How many places of one fault a line names."""
FILE_HEADERS = "content-type", "content-encoding", "etag", "last-modified", "cache-control", "vary"
"""Headers that belong to the file. They are the same for every kind of request."""

REFUSED_FIRST = "TRACE", "CONNECT"
"""Methods that nginx refuses before it looks at a site's rules, so without its headers. No page can send them."""


def survey_of(subject: Subject) -> Survey:
    """The survey. Raises Skip if one cause makes its answers meaningless, which http.answers reports."""
    survey, index = subject.survey, subject.site.index
    if not index.is_ok:
        raise Skip(f"{index.path} answers {index.summary}")
    if survey.cause:
        raise Skip(f"see http.answers: {survey.cause}")
    return survey


def exceptions(answers: Iterable[Answer], faults_of: Callable[[Answer], Iterable[str]]) -> Iterator[str]:
    """One line for each fault: on how many of the places it is, and on which.

    A fault that ends with a comma reads on: `406, expected 200, on 3 of 41 places: /a.js, …`.
    """
    places: set[str] = set()
    labels: dict[tuple[type[str], str], dict[str, str]] = {}
    for answer in answers:
        places.add(answer.place.path)
        for fault in faults_of(answer):
            named = labels.setdefault((type(fault), fault), {})
            named.setdefault(answer.place.path, answer.label)  # the simplest way comes first
    for (severity, fault), named in labels.items():
        yield severity(f"{fault} on {len(named):,} of {len(places):,} places: {listed(named.values())}")


def understood(survey: Survey) -> list[Answer]:
    """The answers to requests that the server has understood, and that a page can send."""
    sent = (answer for answer in survey.seen if answer.way not in REFUSED_FIRST)
    return [answer for answer in sent if answer.response.status not in (400, 414, 431, 501)]


def is_ours(subject: Subject, header: str) -> bool:
    """True if the build chose this header: the image is here, and the site's _headers names no such header."""
    return subject.has("image") and header not in subject.site_headers


def leads_away(site: Site, path: str, locations: Iterable[str], origin: str = "") -> Iterator[str]:
    """The targets of redirects that lead to another origin. The site's own rules may lead to other hosts."""
    own = urlsplit(origin or site.origin)
    for location in locations:
        try:
            target = urlsplit(urljoin(own.geturl() + path, location.replace("\\", "/").strip()))
        except ValueError:  # such as http://[x
            yield f"Location: {location}"
            continue
        is_elsewhere = (target.scheme, target.netloc) != (own.scheme, own.netloc)
        is_of_site = site.is_redirected(path) and target.hostname not in (own.hostname, FOREIGN_HOST, "localhost")
        if is_elsewhere and not is_of_site:
            yield f"Location: {location}"


def listed(names: Iterable[str]) -> str:
    """The first of the names, and how many more there are."""
    all_names = list(names)
    more = len(all_names) - MAX_NAMED_PLACES
    return ", ".join(all_names[:MAX_NAMED_PLACES]) + (f" and {more:,} more" if more > 0 else "")


def header_differences(known: Response, response: Response, names: tuple[str, ...] = FILE_HEADERS) -> Iterator[str]:
    """A line for each header that should be the same in both responses, and is not."""
    for name in names:
        if response.get(name) != known.get(name):
            yield f"{name} is {response.get(name) or 'missing'}, not {known.get(name) or 'missing'},"
