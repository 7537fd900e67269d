"""The paths: what is a page, what is missing, and what a folder answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx

from docktasks.verify.checks.http.samples import MISSING, assets, errors
from docktasks.verify.registry import Skip, check
from docktasks.verify.subject import Subject


@check(
    "http.deep-link",
    severity="critical",
    needs="url",
    fix="Serve index.html for paths without a file extension (try_files in nginx/)",
)
def deep_link(subject: Subject) -> Iterator[str]:
    """A deep link answers 200 with the shell, so that a reload inside the app works."""
    site = subject.site
    for path in (f"{site.home}{MISSING}", f"{site.home}{MISSING}/deeper?query=1"):
        answer = site.get(path)
        if not answer.found:
            yield f"{path}: {answer.said}"
        elif answer.digest != site.shell.digest:
            yield f"{path}: 200, but not the shell ({answer.size} bytes against {site.shell.size})"


@check(
    "http.missing",
    severity="critical",
    needs="url",
    fix="Answer 404 for a missing file (=404 in try_files); the shell in its place breaks the page in silence",
)
def missing(subject: Subject) -> Iterator[str]:
    """A missing asset or file answers 404, never the shell."""
    for what, answer in errors(subject.site).items():
        if answer.status != httpx.codes.NOT_FOUND:
            yield f"{what}: {answer.said}"


@check(
    "http.directories",
    severity="major",
    needs="url",
    fix="Serve files only: no autoindex, and absolute_redirect off, since the server does not know the published port",
)
def directories(subject: Subject) -> Iterator[str]:
    """A folder is not listed, and a redirect leads to a path, or to the address that was asked."""
    site = subject.site
    folders = sorted({path.rpartition("/")[0] for path in assets(site)} - {site.home.rstrip("/")}, key=len)[:20]
    for folder in folders:
        names = [path.rpartition("/")[2] for path in site.files if path.rpartition("/")[0] == folder]
        for path in (folder, f"{folder}/", f"{folder}//", f"{folder}/."):
            answer = site.get(path)
            listed = [name for name in names if re.search(rf">\s*{re.escape(name)}", answer.body.decode("latin-1"))]
            if answer.status < httpx.codes.BAD_REQUEST and listed and answer.digest != site.shell.digest:
                yield f"{path}: {answer.said}, a list with {listed[0]}"
            if _origin(site.origin + path, answer.get("location")) != site.origin:
                yield f"{path}: Location: {answer.get('location')}"
    if not folders:
        raise Skip("there is no folder")


def _origin(url: str, location: str) -> str:
    try:
        leads = urlsplit(urljoin(url, location))
    except ValueError:  # such as http://[x
        return ""
    return f"{leads.scheme}://{leads.netloc}"
