"""The places of a site: its pages, its files and folders, and addresses at which nothing is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from docktasks.resources import table
from docktasks.verify.probes.crawler import HIDDEN_PATH, Site, spread

MISSING_NAME, UNKNOWN_PATH = "no-such-file-5f2c", "/no-such-page-5f2c"
"""A file name that no site has, and an address to which no link leads."""
NAMES: dict[str, list[str]] = table(__file__, "names.json")
"""What is asked for although the site does not name it. Its `about` says what each list is."""
MAX_PAGES, MAX_FOLDERS, MAX_FILES = 100, 60, 24
LONG_NAME_CHARS, MAX_BACKED_UP_FILES = 1500, 30
BACKUP_FILE = re.compile(
    r"(?i)(?:~|\.(?:bak|backup|copy|old|orig|rej|save|sw[k-p]|tmp|dpkg-\w+|rpm\w+)|_bak)$|^#.*#$|^copy of "
    r"|^(?:\.ds_store|thumbs\.db|desktop\.ini)$"
)
"""Matches the name of what editors, tools and people leave next to files."""
ARCHIVES = [f"{name}.{end}" for name in NAMES["archived"] for end in NAMES["archive_ends"]] + NAMES["dumps"]


class Place(NamedTuple):
    """An address of the site, and what is there: page, unknown, file, folder, missing, health, kept, former or other.

    `unknown` is an address without a file that may be a page of the app, `missing` a file that is not there, `health`
    what a health check asks for, `kept` a hashed file of an earlier release, `former` one that is not hashed, and
    `other` what has another spelling or a query, and folders that many servers have.
    """

    path: str
    kind: str


def places(site: Site, kept: Mapping[str, bool]) -> list[Place]:
    """The places that are asked, each once, by the first kind that fits. Each file is asked on its own, too."""
    pages = list(_pages(site))
    folders = spread(folders_of(site), MAX_FOLDERS, str, site.seed)
    by_kind = {
        "page": pages,
        "unknown": [*_unknown(site, pages)],
        "file": file_sample(site, MAX_FILES),
        "folder": [path for folder in folders for path in (folder, f"{folder}/", f"{folder}//", f"{folder}/.")],
        "missing": [*_missing(site, folders)],
        "health": [f"{site.home}healthz"],
        "kept": [path for path, is_hashed in kept.items() if is_hashed][:3],
        "former": [path for path, is_hashed in kept.items() if not is_hashed][:2],
        "other": [*_others(site)],
    }
    kinds: dict[str, str] = {}
    for kind, paths in by_kind.items():
        for path in paths:
            kinds.setdefault(path, kind)
    return [Place(path, kind) for path, kind in kinds.items() if not site.is_api(path)]


def folders_of(site: Site) -> list[str]:
    """The folders of the site's files, without the site's own."""
    folders: set[str] = set()
    for path in site.files:
        while (path := path.rpartition("/")[0]).startswith(site.home):
            folders.add(path)
    return sorted(folders, key=lambda folder: (folder.count("/"), folder))


def file_sample(site: Site, limit: int) -> list[str]:
    """Some of the files: of each type, in each folder."""
    files = {path: file for path, file in site.files.items() if file.is_ok}
    return spread(files, limit, lambda path: (files[path].media_type, path.rpartition("/")[0]), site.seed)


def _pages(site: Site) -> Iterator[str]:
    """The index, what pages and routers link to, and the pages in the image, with and without .html and a slash."""
    files = [path for path in site.files if path.endswith(".html")]
    paths_in_texts = dict.fromkeys(path for text in site.responses.values() for path in text.references.pages)
    linked = [path if path.startswith(site.home) else site.home + path[1:] for path in paths_in_texts]
    plain = [path.removesuffix(".html").removesuffix("/index") for path in files]
    names = [path for path in linked if "." not in path.rpartition("/")[2] or path in (*files, *site.pages)]
    paths = dict.fromkeys([site.index.path, *names, *files, *plain])
    for path in [*filter(None, paths)][:MAX_PAGES]:
        yield path
        if not path.endswith(("/", ".html")):
            yield f"{path}/"


def _unknown(site: Site, pages: Sequence[str]) -> Iterator[str]:
    """Addresses as an app makes them. Only our image promises that one with a dot is a page."""
    yield from (f"{site.home}{MISSING_NAME}{end}" for end in NAMES["unknown_ends"])
    yield from (site.home + path for path in NAMES["unknown_paths"] if "Without a file" in site.health)
    folders = [page for page in pages[1:] if not page.endswith((".html", "/"))]
    yield from (f"{page}/{end}" for page in folders[:3] for end in (MISSING_NAME, "5f2c/a/b"))


def _missing(site: Site, folders: Iterable[str]) -> Iterator[str]:
    for folder in [*folders][:12]:
        yield from (f"{folder}/{MISSING_NAME}{end}" for end in (".js", ".css", ".png", ".woff2", "/a/b.js"))
    yield from (f"{site.home}{MISSING_NAME}.{end}" for end in NAMES["missing_ends"])


def _others(site: Site) -> Iterator[str]:
    """A file by another spelling, addresses with a query, a long one, the index by its name, and usual folders."""
    yield from (f"{path}?canary=1" for path in [site.index.path, *file_sample(site, 2)])
    yield from (path + end for path in site.words.paths for end in ("", "/", "/5f2c"))
    yield from (f"{site.home}{name}/" for name in (".well-known", *NAMES["common_folders"]))
    yield f"{site.home}index.html"
    for path in file_sample(site, 2):
        folder, _, name = path.rpartition("/")
        yield f"{folder}/%{ord(name[0]):02X}{name[1:]}"
    yield f"{site.home}{'a' * LONG_NAME_CHARS}"


def hidden_paths(site: Site) -> list[str]:
    """What may never be served: dotfiles in each folder, what tools leave next to files, and archives of the site."""
    files = [path for path in file_sample(site, MAX_BACKED_UP_FILES) if "." in path.rpartition("/")[2]]
    folders = folders_of(site)[:MAX_FOLDERS]
    archives = [*ARCHIVES, *(f"{folder.rpartition('/')[2]}.{end}" for folder in folders for end in ("zip", "tar.gz"))]
    paths = [site.home + name for name in (*NAMES["hidden"], *archives)]
    names = [name for name in site.shipped if HIDDEN_PATH.search(name) or BACKUP_FILE.search(name.rpartition("/")[2])]
    paths += map(site.address, names)
    paths += [f"{folder}/{name}" for folder in folders for name in NAMES["hidden_in_folders"]]
    for folder, _, name in (path.rpartition("/") for path in (f"{site.home}index.html", *files)):
        paths += [f"{folder}/{backup.format(name)}" for backup in NAMES["backups"]]
    shipped_paths = {site.address(name) for name in site.shipped}
    texts = site.responses.values()
    named = {path for text in texts for path in (*text.references.files, *text.references.pages)}
    known = named | (site.files.keys() - shipped_paths)
    return [path for path in dict.fromkeys(path.replace("#", "%23") for path in paths) if path not in known]
