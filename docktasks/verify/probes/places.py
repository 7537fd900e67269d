"""The places of a site: its pages, its files and folders, and addresses at which nothing is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from docktasks.verify.probes.crawler import HIDDEN_PATH, Site, spread

MISSING_NAME = "no-such-file-5f2c"
"""A file name that no site has."""
UNKNOWN_ENDS = (
    "", "/", "/deeper?query=1", "/a/b", "/a/b/c/d/", "/42", "/%C3%BC/%E6%97%A5", "/a,b/@c/d+e", "?utm_source=a&id=1",
)  # fmt: skip
UNKNOWN_PATHS = "5f2c/john.doe", "5f2c/v1.2.3", "5f2c/node.js", "5f2c/a/b.c/d"
"""Addresses with a dot, in a folder for which no site has a rule: users/ may lead to a file of its own."""
MISSING_ENDS = (
    "txt", "js", "json", "svg", "mjs", "css", "map", "wasm", "xml", "webmanifest", "ico", "webp", "PNG", "pdf", "mp4",
)  # fmt: skip
MAX_PAGES, MAX_FOLDERS, MAX_FILES = 100, 60, 24
LONG_NAME_CHARS = 1500
MAX_BACKED_UP_FILES = 30
HIDDEN_NAMES = (
    ".env", ".env.production", ".env.local", ".git/HEAD", ".git/config", ".gitignore", ".npmrc", ".htaccess",
    ".htpasswd", ".DS_Store", ".ssh/id_rsa", ".aws/credentials", ".index.html.swp", ".vite/manifest.json",
    ".svn/entries", "Dockerfile", "docker-compose.yml", "site.conf", "nginx.conf", "package-lock.json",
    "vite.config.js", "vite.config.ts", "package.json", "tsconfig.json", "yarn.lock", "pnpm-lock.yaml", "composer.json",
    "info.php", "web.config", "Makefile",
)  # fmt: skip
HIDDEN_IN_FOLDERS = ".env", ".htpasswd", ".htaccess", ".DS_Store", ".git/config"
BACKUP_NAMES = (
    "{}~", "{}.bak", "{}.BAK", "{}.old", "{}.orig", "{}.save", "{}.swp", ".{}.swp", ".{}.swn", "{}.tmp", "{}.rej",
    "#{}#", ".#{}", "{}.1~", "{}.backup", "{}.zip", "{}.tar.gz", "{}.copy", "Copy of {}", "{}.1", "{}_bak",
)  # fmt: skip
"""How editors, tools and people name copies of a file."""
ARCHIVES = [
    f"{name}.{end}"
    for name in ("site", "dist", "build", "backup", "www", "html", "public", "app", "src", "old")
    for end in ("zip", "tar.gz", "tgz", "tar", "7z")
] + ["backup.sql", "dump.sql", "db.sqlite"]


class Place(NamedTuple):
    """An address of the site, and what is there: page, unknown, file, folder, missing, own, kept, former or odd.

    `unknown` is an address without a file that may be a page of the app, `missing` a file that is not there, `own` what
    is not of the site, `kept` a hashed file of an earlier release, and `former` another one.
    """

    path: str
    kind: str


def places(site: Site, kept: Mapping[str, bool], seed: str) -> list[Place]:
    """The places that are asked. Of many files some are chosen by the seed; each is asked on its own, too."""
    pages = list(_pages(site))
    folders = spread(folders_of(site), MAX_FOLDERS, str, seed)
    by_kind = {
        "page": pages,
        "unknown": [*_unknown(site, pages)],
        "file": file_sample(site, MAX_FILES, seed),
        "folder": [path for folder in folders for path in (folder, f"{folder}/", f"{folder}//", f"{folder}/.")],
        "missing": [*_missing(site, folders)],
        "own": [f"{site.home}healthz"],
        "kept": [path for path, is_hashed in kept.items() if is_hashed][:3],
        "former": [path for path, is_hashed in kept.items() if not is_hashed][:2],
        "odd": [*_odd(site)],
    }
    kinds = {path: kind for kind, paths in reversed(by_kind.items()) for path in paths if not site.is_api(path)}
    return [Place(path, kind) for kind in by_kind for path in by_kind[kind] if kinds.pop(path, None)]


def folders_of(site: Site) -> list[str]:
    """The folders of the site's files, without the site's own."""
    folders: set[str] = set()
    for path in site.files:
        while (path := path.rpartition("/")[0]).startswith(site.home):
            folders.add(path)
    return sorted(folders, key=lambda folder: (folder.count("/"), folder))


def file_sample(site: Site, limit: int, seed: str) -> list[str]:
    """Some of the files: of each type, in each folder."""
    files = {path: file for path, file in site.files.items() if file.is_ok}
    return spread(files, limit, lambda path: (files[path].media_type, path.rpartition("/")[0]), seed)


def _pages(site: Site) -> Iterator[str]:
    """The index, what pages and routers link to, and the pages in the image, with and without .html and a slash."""
    texts = [site.index, *site.files.values()]
    paths_in_texts = dict.fromkeys(path for text in texts for path in text.references.pages)
    linked = [path if path.startswith(site.home) else site.home + path[1:] for path in paths_in_texts]
    files = [path for path in site.files if path.endswith(".html")]
    plain = [path.removesuffix(".html").removesuffix("/index") for path in files]
    names = [path for path in linked if "." not in path.rpartition("/")[2] or path in files]
    paths = dict.fromkeys([site.index.path, *names, *files, *plain])
    for path in [*filter(None, paths)][:MAX_PAGES]:
        yield path
        if not path.endswith(("/", ".html")):
            yield f"{path}/"


def _unknown(site: Site, pages: Sequence[str]) -> Iterator[str]:
    """Addresses as an app makes them. Only our image promises that one with a dot is a page."""
    yield from (f"{site.home}{MISSING_NAME}{end}" for end in UNKNOWN_ENDS)
    yield from (site.home + path for path in UNKNOWN_PATHS if "Without a file" in site.health)
    folders = [page for page in pages[1:] if not page.endswith((".html", "/"))]
    yield from (f"{page}/{end}" for page in folders[:3] for end in (MISSING_NAME, "5f2c/a/b"))


def _missing(site: Site, folders: Iterable[str]) -> Iterator[str]:
    yield from (f"{site.home}{MISSING_NAME}.{end}" for end in MISSING_ENDS)
    for folder in [*folders][:12]:
        yield from (f"{folder}/{MISSING_NAME}{end}" for end in (".js", ".css", ".png", ".woff2", "/a/b.js"))


def _odd(site: Site) -> Iterator[str]:
    """A file by another spelling of its name, addresses with a query, one that is long, and the index by its name."""
    yield from (f"{path}?canary=1" for path in [site.index.path, *file_sample(site, 2, "")])
    yield from (path + end for path in site.words.paths for end in ("", "/", "/5f2c"))
    yield f"{site.home}index.html"
    for path in file_sample(site, 2, ""):
        folder, _, name = path.rpartition("/")
        yield f"{folder}/%{ord(name[0]):02X}{name[1:]}"
    yield f"{site.home}{'a' * LONG_NAME_CHARS}"


def hidden_paths(site: Site, shipped: Iterable[str], seed: str) -> list[str]:
    """What may never be served: dotfiles in each folder, what tools leave next to files, and archives of the site."""
    files = [path for path in file_sample(site, MAX_BACKED_UP_FILES, seed) if "." in path.rpartition("/")[2]]
    folders = folders_of(site)[:MAX_FOLDERS]
    archives = [*ARCHIVES, *(f"{folder.rpartition('/')[2]}.{end}" for folder in folders for end in ("zip", "tar.gz"))]
    paths = [site.home + name for name in (*HIDDEN_NAMES, *archives)]
    paths += [site.home + name for name in shipped if HIDDEN_PATH.search(name)]
    paths += [f"{folder}/{name}" for folder in folders for name in HIDDEN_IN_FOLDERS]
    for folder, _, name in (path.rpartition("/") for path in (f"{site.home}index.html", *files)):
        paths += [f"{folder}/{backup.format(name)}" for backup in BACKUP_NAMES]
    shipped_paths = {site.address(name) for name in shipped}
    named = {
        path for text in (site.index, *site.files.values()) for path in (*text.references.files, *text.references.pages)
    }
    known = named | (site.files.keys() - shipped_paths)
    return [path for path in dict.fromkeys(path.replace("#", "%23") for path in paths) if path not in known]
