"""The paths: what is a page of the app, what is missing, how a folder is answered, and where redirects lead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote, urljoin, urlsplit

from httpx import codes

from docktasks.errors import Skip
from docktasks.verify.checks.http.rules import exceptions, leads_away, survey_of
from docktasks.verify.probes import odd_requests
from docktasks.verify.probes.crawler import Site, grouped
from docktasks.verify.probes.html_page import HtmlPage
from docktasks.verify.probes.http_client import Response
from docktasks.verify.probes.places import MISSING_NAME, folders_of
from docktasks.verify.probes.survey import Answer, Survey
from docktasks.verify.registry import Minor, check
from docktasks.verify.subject import Subject

LISTING = re.compile(r"<title>\s*(?:Index of|Directory listing)\b", re.IGNORECASE)

SAME_HOST = "site.invalid"
"""Stands for the site's own host in an address."""
NO_PARTS = {"top", "!", "0"}
"""The names of a page's start, and of links for scripts."""
MAX_REDIRECTS = 5
"""How many redirects one after another may lead to a page."""


@check("http.deep-link", "critical", fix="Serve the app's page for paths without a file (prod.fallback, site.conf)")
def deep_link(subject: Subject) -> Iterator[str]:
    """Each linked page and part of a page is there, and an address inside an app gives the app. Else there is a 404."""
    survey = survey_of(subject)
    index = survey.site.index
    right, statuses = _right_pages(survey), {answer.place.path: answer.response.status for answer in survey.plain}

    def faults(answer: Answer) -> Iterator[str]:
        response = answer.response
        if not answer.is_judged:
            return
        is_unknown = answer.place.kind == "unknown" and not _is_redirected(survey, response)
        if is_unknown and (response.status, response.digest) not in right:
            yield _wrong_page(survey, response)
        elif response.digest == index.digest and response.media_type != index.media_type:
            yield f"index.html as {response.media_type or 'no type'}"
        if answer.place.kind == "page" and not _is_there(survey, response, statuses):
            yield _wrong_page(survey, response)

    yield from exceptions((answer for answer in survey.plain if answer.place.kind in ("page", "unknown")), faults)
    pages = [answer.response for answer in survey.plain if answer.place.kind == "page" and answer.is_page]
    lines = dead_links({page.path: page.text for page in pages if page.is_ok and page.size == len(page.body)})
    yield from (Minor(f"{line}. Correct the link, or add the id") for line in lines)


def dead_links(texts: dict[str, str]) -> Iterator[str]:
    """Yield the links of pages, by path, to parts that a page lacks. A script may add a part, or handle the link.

    https://html.spec.whatwg.org/multipage/browsing-the-web.html#find-a-potential-indicated-element
    """
    still = {path: HtmlPage(text).ids for path, text in texts.items() if "<script" not in text.lower()}
    for path, text in texts.items():
        page = HtmlPage(text)
        for link in dict.fromkeys(page.part_links):
            with suppress(ValueError):  # such as http://[x
                target = urlsplit(urljoin(f"//{SAME_HOST}{path}", urljoin(page.base, link)))
                name, is_page = target.fragment, target.netloc == SAME_HOST and not target.query
                is_part = name and name.lower() not in NO_PARTS and ":~:" not in name
                ids = still.get(target.path) if is_page and is_part else None
                if ids is not None and ids.isdisjoint({name, unquote(name)}):
                    yield f"{path}: no element has the id that {link} leads to"


def _wrong_page(survey: Survey, response: Response) -> str:
    sizes = f"{response.size} bytes, index.html has {survey.site.index.size}"
    return f"200, but not the page for it ({sizes})," if response.is_ok else response.summary


def _is_there(survey: Survey, response: Response, statuses: dict[str, int]) -> bool:
    """True for a page, and for what an address without a file gets, as a link may lead nowhere.

    Where every address is a page of the app, a redirect only adds or removes a slash or a name of a file.
    """
    path, unknown = response.path, survey.unknown
    if codes.is_redirect(response.status):
        may_lead_away = not unknown.is_ok or _is_redirected(survey, response)
        with suppress(ValueError):  # it leads to http://[x
            target = urljoin(survey.site.origin + path, response.get("location"))
            return _ends(survey.site, target) and (may_lead_away or _plain(urlsplit(target).path) == _plain(path))
        return False
    is_there_without_slash = path.endswith("/") and statuses.get(path.rstrip("/")) == codes.OK
    is_promised = is_there_without_slash and "Without a file" in survey.site.health
    return response.is_ok or (response.status == unknown.status and not is_promised)


def _ends(site: Site, address: str) -> bool:
    """True if an address, or one to which redirects lead from it, is answered by no redirect, or by another site.

    Raises ValueError for a redirect to what is no address.
    """
    for _ in range(MAX_REDIRECTS):
        scheme, host, path, query, _ = urlsplit(address)
        if f"{scheme}://{host}" != site.origin:
            return True
        response = site.get_all([f"{path or '/'}{f'?{query}' if query else ''}"])[0]
        if not codes.is_redirect(response.status):
            return True
        address = urljoin(address, response.get("location"))
    return False


def _plain(path: str) -> str:
    return path.removesuffix("/").removesuffix(".html").removesuffix("/index")


def _right_pages(survey: Survey) -> set[tuple[int, bytes]]:
    """Status and bytes for an address without a file, as our health check promises; else those of usual servers."""
    site = survey.site
    if promise := re.search(r"Without a file: (\d+) (.*)", survey.site.health):
        status = int(promise[1])
        if promise[2]:
            return {(status, site.get(site.address(promise[2])).digest)}
        return {(status, answer.response.digest) for answer in survey.plain if answer.place.kind == "unknown"}
    shell, own_404 = (site.get(site.home + name) for name in ("200.html", "404.html"))
    right = {(200, site.index.digest)} | ({(200, shell.digest)} if shell.is_ok else set())
    return right | ({(404, own_404.digest)} if own_404.is_ok and own_404.digest != site.index.digest else set())


def _is_redirected(survey: Survey, response: Response) -> bool:
    """True for a redirect by a rule of the site."""
    return codes.is_redirect(response.status) and survey.site.is_redirected(response.path)


@check("http.missing", "critical", fix="Answer 404 for a missing file (=404 in try_files), so that the error is seen")
def missing(subject: Subject) -> Iterator[str]:
    """A missing file of any type, in any folder, is answered 404, and never with index.html."""
    survey = survey_of(subject)

    def faults(answer: Answer) -> Iterator[str]:
        response = answer.response
        # http.answers reports errors, and http.cookies what asks for a password.
        is_expected = response.status in (0, codes.NOT_FOUND, codes.UNAUTHORIZED) or response.is_failure
        if not is_expected and not _is_redirected(survey, response):
            yield response.summary
        elif response.status == codes.NOT_FOUND and response.digest == survey.site.index.digest:
            yield "404 with index.html"

    return exceptions((answer for answer in survey.plain if answer.place.kind == "missing"), faults)


@check("http.api", "critical", fix="Start it by invoke run-prod, with the setting api (docs/api.md)")
def api(subject: Subject) -> Iterator[str]:
    """Below a prefix of the API the site answers nothing, and every prefix of the settings is passed on."""
    survey = survey_of(subject)
    site = survey.site
    own_404 = site.get(f"{site.home}{MISSING_NAME}.txt", Accept="text/html") if site.api_prefixes else site.index
    for prefix in site.api_prefixes:
        path = f"{prefix}/{MISSING_NAME}"
        response = site.get(path, Accept="text/html")
        is_missing = response.status == codes.NOT_FOUND and response.digest == own_404.digest
        if is_missing or response.digest == site.index.digest:
            yield f"{path}: {response.summary}, from the site"
    if subject.has("container"):
        named = subject.project.settings.api.prefixes
        yield from (f"{prefix}: the container passes nothing on" for prefix in named if prefix not in site.api_prefixes)


@check("http.directories", "major", fix="No autoindex: set it off, and serve no folder")
def directories(subject: Subject) -> Iterator[str]:
    """No folder of the site is listed."""
    survey = survey_of(subject)
    if not folders_of(survey.site):
        raise Skip("the site has no folder")
    folders = grouped(survey.site.files, lambda path: path.rpartition("/")[0])

    def faults(answer: Answer) -> Iterator[str]:
        response, text = answer.response, answer.response.text
        if response.is_ok and response.digest != survey.site.index.digest:
            names = (path.rpartition("/")[2] for path in folders.get(answer.place.path.rstrip("./"), ()))
            start = '"' if "json" in response.media_type else r">\s*"
            listed = next((name for name in names if re.search(start + re.escape(name), text)), "")
            # A page that is called after a folder has the bytes of a file.
            is_shipped = listed and any(file.digest == response.digest for file in survey.site.files.values())
            if LISTING.search(text) or (listed and not is_shipped):
                yield f"a list of the folder{f' that contains {listed}' if listed else ''}"

    places = (answer for answer in survey.plain if answer.place.kind in ("folder", "page", "other"))
    yield from exceptions(places, faults)


@check("http.redirects", "major", fix="absolute_redirect off: the server does not know its public address")
def redirects(subject: Subject) -> Iterator[str]:
    """A redirect stays at the requested address, with its port, whatever the path, the Host or a header says."""
    survey = survey_of(subject)
    site = survey.site

    def faults(answer: Answer) -> Iterator[str]:
        response = answer.response
        may_choose_scheme = answer.way == "foreign scheme" and not subject.has("image")  # behind a proxy of its own
        if not may_choose_scheme:
            yield from leads_away(site, answer.request.path, response.get_list("location"))

    yield from exceptions(survey.seen, faults)
    for name, answer in survey.odd(odd_requests.foreign_paths).items():
        faults_of = leads_away(site, name.removeprefix("GET "), answer.get_list("location"), "http://localhost")
        yield from (f"{fault} on {name}" for fault in faults_of)
