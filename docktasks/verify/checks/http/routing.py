"""The paths: what is a page of the app, what is missing, and how a folder is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from httpx import codes

from docktasks.errors import Skip
from docktasks.verify.checks.http.samples import MISSING_NAME, assets, missing_responses
from docktasks.verify.probes.crawler import Site
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

MAX_FOLDERS = 20
NO_PAGE_TEXT = b"This site has no page at this address."
"""What a site of pages without a 404.html says (pages.mjs). An app says it of no address."""


@check("http.deep-link", "critical", fix="Serve the app's page for paths without a file (prod.fallback, site.conf)")
def deep_link(subject: Subject) -> Iterator[str]:
    """A visitor who opens an address inside an app gets the app. A site of pages has a page of its own for a 404."""
    site = subject.site
    named = (site.get(site.home + name) for name in ("200.html", "404.html"))  # as frameworks call them
    known = (site.index, *named, *site.files.values())
    pages = {page.digest for page in known if page.is_ok and page.media_type == "text/html"}
    for path in (f"{site.home}{MISSING_NAME}", f"{site.home}{MISSING_NAME}/deeper?query=1"):
        response = site.get(path, Accept="text/html")
        is_own_page = response.digest in pages - {site.index.digest} or NO_PAGE_TEXT in response.body
        if not response.is_ok and not (response.status == codes.NOT_FOUND and is_own_page):
            yield f"{path}: {response.summary}"
        elif response.is_ok and response.digest not in pages:
            yield f"{path}: 200, but no page of the site ({response.size} bytes, index.html has {site.index.size})"


@check("http.missing", "critical", fix="Answer 404 for a missing file (=404 in try_files), so that the error is seen")
def missing(subject: Subject) -> Iterator[str]:
    """A missing asset or file is answered 404, and never with index.html."""
    for request, response in missing_responses(subject.site).items():
        if response.status != codes.NOT_FOUND:
            yield f"{request}: {response.summary}"


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
