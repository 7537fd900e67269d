"""The paths: what is a page of the app, what is missing, and how a folder is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from httpx import codes

from docktasks.errors import Skip
from docktasks.verify.checks.http.samples import MISSING_NAME, assets, health_notes, missing_responses
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import Response
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

MAX_FOLDERS = 20


@check("http.deep-link", "critical", fix="Serve the app's page for paths without a file (prod.fallback, site.conf)")
def deep_link(subject: Subject) -> Iterator[str]:
    """A visitor who opens an address inside an app gets the app. A site of pages has a page of its own for a 404."""
    site = subject.site
    for path in (f"{site.home}{MISSING_NAME}", f"{site.home}{MISSING_NAME}/deeper?query=1"):
        response = site.get(path, Accept="text/html")
        if _is_right_page(site, response) or _is_redirected(site, response):
            continue
        if response.is_ok:
            yield f"{path}: 200, but not the page for it ({response.size} bytes, index.html has {site.index.size})"
        else:
            yield f"{path}: {response.summary}"


def _is_right_page(site: Site, response: Response) -> bool:
    """True for the status and the page that our health check promises; of another server, for its usual pages."""
    if promise := re.search(rb"Without a file: (\d+) (.*)", health_notes(site)):
        page = site.get(site.address(promise[2].decode())) if promise[2] else response
        return response.status == int(promise[1]) and response.digest == page.digest
    shell, own_404 = (site.get(site.home + name) for name in ("200.html", "404.html"))
    if response.status == codes.NOT_FOUND:
        return own_404.is_ok and response.digest == own_404.digest != site.index.digest
    return response.is_ok and response.digest in {site.index.digest, shell.digest if shell.is_ok else b""}


def _is_redirected(site: Site, response: Response) -> bool:
    """True for a redirect of a site that has rules of its own."""
    return codes.is_redirect(response.status) and b"The site has a file _redirects." in health_notes(site)


@check("http.missing", "critical", fix="Answer 404 for a missing file (=404 in try_files), so that the error is seen")
def missing(subject: Subject) -> Iterator[str]:
    """A missing asset or file is answered 404, and never with index.html."""
    for request, response in missing_responses(subject.site).items():
        if response.status != codes.NOT_FOUND and not _is_redirected(subject.site, response):
            yield f"{request}: {response.summary}"


@check("http.api", "critical", fix="Start it by invoke run-prod, with the setting api (docs/api.md)")
def api(subject: Subject) -> Iterator[str]:
    """Below a prefix of the API the site answers nothing, and every prefix of the settings is passed on."""
    site = subject.site
    for prefix in site.api_prefixes:
        path = f"{prefix}/{MISSING_NAME}"
        response = site.get(path, Accept="text/html")
        is_missing = response.status == codes.NOT_FOUND and response.digest == _own_missing(site).digest
        if is_missing or response.digest == site.index.digest:
            yield f"{path}: {response.summary}, from the site"
    if subject.has("container"):
        named = subject.project.settings.api.prefixes
        yield from (f"{prefix}: the container passes nothing on" for prefix in named if prefix not in site.api_prefixes)


def _own_missing(site: Site) -> Response:
    return site.get(f"{site.home}{MISSING_NAME}.txt", Accept="text/html")


@check("http.directories", "major", fix="No autoindex. absolute_redirect off: the server does not know the public port")
def directories(subject: Subject) -> Iterator[str]:
    """A folder is not listed. A redirect leads to a path, or stays at the requested address."""
    site = subject.site
    folders = sorted({path.rpartition("/")[0] for path in assets(site)} - {site.home.rstrip("/")}, key=len)
    if not folders:
        raise Skip("the site has no folder")
    for folder in folders[:MAX_FOLDERS]:
        for path in (folder, f"{folder}/", f"{folder}//", f"{folder}/."):
            yield from _folder_faults(site, folder, path)


def _folder_faults(site: Site, folder: str, path: str) -> Iterator[str]:
    response = site.get(path)
    if response.status < codes.BAD_REQUEST and response.digest != site.index.digest:
        text = response.body.decode("latin-1")
        names = [name for parent, _, name in (file.rpartition("/") for file in site.files) if parent == folder]
        listed = next((name for name in names if re.search(rf">\s*{re.escape(name)}", text)), None)
        if listed:
            yield f"{path}: {response.summary}, a list that contains {listed}"
    location = response.get("location")
    if _origin(site.origin + path, location) != site.origin:
        yield f"{path}: Location: {location}"


def _origin(url: str, location: str) -> str:
    """The scheme and host to which a redirect of `url` leads; empty if the location is not an address."""
    try:
        target = urlsplit(urljoin(url, location))
    except ValueError:  # such as http://[x
        return ""
    return f"{target.scheme}://{target.netloc}"
