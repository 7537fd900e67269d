"""What the HTTP checks share: the files of a site, a sample of them, and requests of every kind."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import zip_longest

from docktasks.errors import Skip
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import Request, Response

MISSING_NAME = "no-such-file-5f2c"
"""A file name that no site has."""
MAX_SAMPLE_FILES = 1000
FILE_HEADERS = "content-type", "content-encoding", "etag", "last-modified", "cache-control", "vary"
"""Headers that belong to the file. They are the same for every kind of request."""


def index_page(site: Site) -> Response:
    """Return the response to `/`. Raises Skip if it is an error, which http.files reports."""
    if not site.index.is_ok:
        raise Skip(f"{site.home} answers {site.index.summary}")
    return site.index


def assets(site: Site) -> dict[str, Response]:
    """The files in a folder assets/; of a site without one, the scripts and styles. Raises Skip if there are none."""
    files = {path: response for path, response in site.files.items() if "/assets/" in path}
    files = files or {path: response for path, response in site.files.items() if re.search(r"\.(m?js|css)$", path)}
    if not files:
        raise Skip("index.html references no file")
    return files


def ok_files(site: Site) -> dict[str, Response]:
    """The index page and all files, without those that are not answered 200."""
    files = {site.home: site.index} | site.files
    return {path: response for path, response in files.items() if response.is_ok}


def sample(files: dict[str, Response], limit: int = MAX_SAMPLE_FILES) -> dict[str, Response]:
    """Return at most `limit` of the files, taken from each media type in turn."""
    if len(files) <= limit:
        return files
    paths_by_type: dict[str, list[str]] = {}
    for path in sorted(files, key=lambda path: hashlib.sha256(path.encode()).digest()):  # random, but always the same
        paths_by_type.setdefault(files[path].media_type, []).append(path)
    in_turn = [path for turn in zip_longest(*paths_by_type.values()) for path in turn if path is not None]
    return {path: files[path] for path in in_turn[:limit]}


def get_each(site: Site, files: dict[str, Response], **headers: str) -> Iterator[tuple[Response, Response]]:
    """GET each file with these headers, where {etag} and {size} are the known ones; yield known and new response."""

    def filled(value: str, known: Response) -> str:
        return value.replace("{etag}", known.get("etag")).replace("{size}", str(known.encoded_size))

    requests = [
        Request(path, "GET", tuple((name.replace("_", "-"), filled(value, known)) for name, value in headers.items()))
        for path, known in files.items()
    ]
    return zip(files.values(), site.send_all(requests), strict=True)


def health_notes(site: Site) -> bytes:
    """What the health check of our image says about the site (images/nginx/serving/site.conf)."""
    return site.get(f"{site.home}healthz").body


def missing_responses(site: Site) -> dict[str, Response]:
    """Description of the request -> the response, for two files that do not exist."""
    folder = min(assets(site)).rpartition("/")[0]
    asset, file = f"{folder}/{MISSING_NAME}.js", f"{site.home}{MISSING_NAME}.txt"
    return {f"{asset} (missing asset)": site.get(asset), f"{file} (missing file)": site.get(file)}


def responses_of_each_kind(site: Site) -> dict[str, Response]:
    """Description of the request -> the response: one with each of 200, 206, 304, 404, 405 and 416 of a normal site."""
    path, asset = min(assets(site).items())
    responses = {
        f"{site.home} (index page)": site.index,
        f"{path} (asset)": asset,
        f"{path} (range)": site.get(path, Range="bytes=0-0"),
        f"{path} (range after the end)": site.get(path, Range=f"bytes={asset.encoded_size + 1}-"),
        f"{site.home} (POST)": site.get(site.home, "POST"),
    }
    if site.index.get("etag"):
        responses[f"{site.home} (unchanged)"] = site.get(site.home, If_None_Match=site.index.get("etag"))
    return responses | missing_responses(site)


def raw_request(site: Site, line: str, *headers: str) -> bytes:
    """A request with this request line and these header lines, sent as they are. The connection closes after it."""
    host = site.origin.partition("//")[2]
    return "\r\n".join([line, f"Host: {host}", *headers, "Connection: close", "", ""]).encode("latin-1")


def header_differences(known: Response, response: Response, names: tuple[str, ...] = FILE_HEADERS) -> Iterator[str]:
    """A line for each header that should be the same in both responses, and is not."""
    for name in names:
        if response.get(name) != known.get(name):
            yield f"{name}: {response.get(name) or 'missing'}, expected {known.get(name) or 'none'}"
