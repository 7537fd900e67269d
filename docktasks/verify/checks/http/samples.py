"""What the checks of a site share: which files it has, a sample of them, and one answer of each kind."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import zip_longest

from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import Answer, Ask
from docktasks.verify.registry import Skip

MISSING = "no-such-file-5f2c"  # nothing a site would have
DEEP = 1000
"""Files up to which each is asked for in every way; of more, a sample."""
SAME = "content-type", "content-encoding", "etag", "last-modified", "cache-control", "vary"
"""Headers that belong to the file, however it is asked for."""


def page(site: Site) -> Answer:
    """The shell, where it is one: nothing more can be said of a site that answers errors (http.files)."""
    if not site.shell.found:
        raise Skip(f"{site.home} answers {site.shell.said}")
    return site.shell


def assets(site: Site) -> dict[str, Answer]:
    """The files of the site's folder of assets; where it has none of this name, its scripts and styles."""
    found = {path: answer for path, answer in site.files.items() if "/assets/" in path}
    found = found or {path: answer for path, answer in site.files.items() if re.search(r"\.(m?js|css)$", path)}
    if not found:
        raise Skip("index.html names no file")
    return found


def served(site: Site) -> dict[str, Answer]:
    """The shell and the files, those that are there."""
    found = {site.home: site.shell} | site.files
    return {path: answer for path, answer in found.items() if answer.found}


def sample(files: dict[str, Answer], limit: int = DEEP) -> dict[str, Answer]:
    """All, or of more than the limit so many, taken from each type in turn."""
    if len(files) <= limit:
        return files
    types: dict[str, list[str]] = {}
    for path, answer in files.items():
        types.setdefault(answer.type, []).append(path)
    # In the order of a hash: as spread out as chance has it, and the same every time.
    ordered = [sorted(paths, key=lambda path: hashlib.sha256(path.encode()).digest()) for paths in types.values()]
    turns = [path for turn in zip_longest(*ordered) for path in turn if path is not None]
    return {path: files[path] for path in turns[:limit]}


def asked(site: Site, files: dict[str, Answer], **headers: str) -> Iterator[tuple[Answer, Answer]]:
    """Each file's answer, and the answer to a GET with these headers, in which {etag} and {wire} are the file's."""
    asks = [
        Ask(path, "GET", tuple((name.replace("_", "-"), _filled(text, plain)) for name, text in headers.items()))
        for path, plain in files.items()
    ]
    return zip(files.values(), site.many(asks), strict=True)


def _filled(text: str, plain: Answer) -> str:
    return text.replace("{etag}", plain.get("etag")).replace("{wire}", str(plain.wire))


def errors(site: Site) -> dict[str, Answer]:
    """What is answered where something is missing, by what it is."""
    folder = min(assets(site)).rpartition("/")[0]
    missing_asset, missing = f"{folder}/{MISSING}.js", f"{site.home}{MISSING}.txt"
    return {
        f"{missing_asset} (missing asset)": site.get(missing_asset),
        f"{missing} (missing file)": site.get(missing),
    }


def kinds(site: Site) -> dict[str, Answer]:
    """One answer of each kind, by what was asked: 200, 206, 304, 404, 405, 416, as far as the site gives them."""
    path, answer = min(assets(site).items())
    found = {f"{site.home} (shell)": site.shell, f"{path} (asset)": answer}
    found |= {
        f"{path} (range)": site.get(path, Range="bytes=0-0"),
        f"{path} (range behind the end)": site.get(path, Range=f"bytes={answer.wire + 1}-"),
        f"{site.home} (POST)": site.get(site.home, "POST"),
    }
    if site.shell.get("etag"):
        found[f"{site.home} (unchanged)"] = site.get(site.home, If_None_Match=site.shell.get("etag"))
    return found | errors(site)
