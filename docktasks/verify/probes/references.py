"""Find the files of the site that a page, a script or a style sheet names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from docktasks.verify.probes.html_page import HtmlPage

if TYPE_CHECKING:  # loaded for the first script
    from tree_sitter import Language, Query

MANIFEST = "application/manifest+json"
HASHED_NAME = re.compile(r"^\.{1,2}/.*[-._](?=[\w-]*(?:\d|[a-z][A-Z]))[\w-]{8,}\.[^/.]+$")
"""A name that a bundler gave to a file that it wrote, from the file that names it."""
SCRIPT_QUERY = """
(import_statement source: (string (string_fragment) @loaded))
(export_statement source: (string (string_fragment) @loaded))
(call_expression function: (import) arguments: (arguments [(string) (template_string)] @lazy))
((variable_declarator name: (identifier) @name) @preload (#eq? @name "__vite__mapDeps"))
"""
"""What loads a file in a script: import statements, import() of a text, and the list of files that Vite preloads."""
_NAME_IN_SCRIPT = re.compile(
    r"""["'`]((?:\.{0,2}/)?(?:[\w.@-]+/)*[\w.@-]+\.(?:m?js|json|css|woff2?|svg|png|jpe?g|webp|avif|gif|ico|wasm|pdf|xml|txt))["'`]"""
)
_STYLE_TOKEN = re.compile(
    r"""/\*.*?\*/
    | (?:url\(\s*|@import\s+(?:url\(\s*)?) (?: "(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>(?:[^'\\]|\\.)*)' )
    | url\(\s*(?P<bare>[^"'()\s](?:[^)\\]|\\.)*?)\s*\)
    | "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*'""",
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
"""What is read as a whole, so that a comment, a text or a data: picture has no address of its own:
https://www.w3.org/TR/css-syntax-3/#token-diagrams"""
_FONT_FACE = re.compile(r"@font-face\s*\{[^{}]*\}", re.IGNORECASE)
_OLD_FONT = re.compile(r"\.(?:eot|svg)(?:[?#]|$)", re.IGNORECASE)
"""Formats that no browser of today reads: https://developer.mozilla.org/docs/Web/CSS/@font-face/src."""
_ROUTE = re.compile(r"""\b(?:path|to|href)["']?\s*[:=]\s*["'`](/[\w/.-]{1,80})(?<!\.html)["'`]""")
"""What a router, or a link of a component, says in a script."""
LOCAL = re.compile(r"(?:https?|wss?)://(?:localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[::1\])(?=[:/]|$)")
"""Matches an address at which every machine reaches itself only."""
_LINK_HEADER = re.compile(r"<([^>]+)>[^,<]*?;\s*rel\s*=\s*\"?(?:modulepreload|preload|stylesheet)\b", re.IGNORECASE)
_INLINE_MAP = re.compile(r"^\s*(?://|/\*)[#@]\s*sourceMappingURL=data:[^'\"`\s]{40}", re.MULTILINE)
"""A library may contain the text without the map."""


class References(NamedTuple):
    """Paths of the site that a text names: what a browser loads with the text, and what the text may load later.

    `possible` has texts that look like a path. A library may never use them, or give them another meaning. `pages` are
    those that a page links to, or that a router in a script names. `has_map` is True for a source map in the text.
    `foreign` are the addresses of other hosts whose code a script or a style sheet imports.
    """

    loaded: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    has_map: bool = False
    foreign: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it loads, and that it may load."""
        return self.loaded + self.possible


NO_REFERENCES = References()
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STYLE_IMPORT = re.compile(r"""@import\s+(?:url\(\s*)?["']?((?:https?:)?//[^"'\s);]+)""", re.IGNORECASE)


def find_references(url: str, media_type: str, text: str, link: str = "") -> References:
    """Return the paths on the same host that a text of this media type, served at `url`, names.

    `link` is the header that came with it, whose files a browser loads with a page.
    """
    loaded, possible, pages, foreign = list[str](), list[str](), list[str](), list[str]()
    if media_type == "text/html":
        page = HtmlPage(text)
        by_header = [urljoin(url, name) for name in _LINK_HEADER.findall(link)]  # it knows no <base>
        url, loaded, possible, pages = urljoin(url, page.base), page.loaded + by_header, page.possible, page.links
    elif media_type == MANIFEST:
        possible = _pictures_in_manifest(text)
    elif media_type == "text/css":
        loaded, possible = _names_in_style(text)
        foreign = _STYLE_IMPORT.findall(_COMMENT.sub("", text)) if "@import" in text.lower() else []
    elif media_type in ("text/javascript", "application/javascript"):
        loaded, possible = map(list, _names_in_script(urlsplit(url).path, text))
        foreign = [name for name in loaded if name.startswith(("//", "http"))]
        pages = _ROUTE.findall(text)
    loaded_paths = dict.fromkeys(_own_paths(url, loaded))
    possible_paths = dict.fromkeys(path for path in _own_paths(url, possible) if path not in loaded_paths)
    has_map = "sourceMappingURL=data:" in text and bool(_INLINE_MAP.search(text))
    page_paths = dict.fromkeys(_own_paths(url, pages))
    return References(tuple(loaded_paths), tuple(possible_paths), tuple(page_paths), has_map, tuple(foreign))


def _pictures_in_manifest(text: str) -> list[str]:
    """The icons and screenshots that a manifest names: https://www.w3.org/TR/appmanifest/."""
    with suppress(ValueError, AttributeError, TypeError):  # such as a file of another form
        manifest = json.loads(text)
        pictures = [*manifest.get("icons", []), *manifest.get("screenshots", [])]
        return [str(picture["src"]) for picture in pictures if picture.get("src")]
    return []


def _names_in_style(text: str) -> tuple[list[str], list[str]]:
    """The names that a style loads, and the other forms of a font: a browser takes the first that it reads."""
    faces = [face.span() for face in _FONT_FACE.finditer(text)]
    loaded, possible = list[str](), list[str]()
    known_faces = set[int]()
    for token in _STYLE_TOKEN.finditer(text):
        if not token.lastgroup:
            continue
        name = re.sub(r"\\(.)", r"\1", token[token.lastgroup])
        face = next((start for start, end in faces if start <= token.start() < end), None)
        is_needed = face is None or (face not in known_faces and not _OLD_FONT.search(name))
        if face is not None and is_needed:
            known_faces.add(face)
        if not name.startswith(("data:", "#", "var(")):
            (loaded if is_needed else possible).append(name)
    return loaded, possible


def _own_paths(url: str, names: Iterable[str]) -> Iterator[str]:
    host = urlsplit(url).netloc
    for name in filter(None, names):
        try:
            target = urlsplit(urljoin(url, name.strip()))
        except ValueError:  # such as http://[x
            continue
        if target.netloc == host and target.scheme in ("http", "https"):
            yield target.path or "/"


@cache
def _javascript() -> tuple[Language, Query]:
    import tree_sitter_javascript
    from tree_sitter import Language, Query

    language = Language(tree_sitter_javascript.language())
    return language, Query(language, SCRIPT_QUERY)


def _names_in_script(path: str, text: str) -> tuple[Iterator[str], Iterator[str]]:
    """The names that a script loads, and those that it may load. Names without a dot or a slash in front are none."""
    from tree_sitter import Parser, QueryCursor

    language, query = _javascript()
    captures = QueryCursor(query).captures(Parser(language).parse(text.encode()).root_node)
    code = {kind: [(node.text or b"").decode() for node in nodes] for kind, nodes in captures.items()}
    lazy = [name.strip("\"'`") for name in code.get("lazy", ())]
    preloads = [name for part in code.get("preload", ()) for name in _NAME_IN_SCRIPT.findall(part)]
    loaded = [*code.get("loaded", ()), *filter(HASHED_NAME.search, lazy), *_from_base(path, preloads)]
    return filter(_is_relative, loaded), filter(_is_relative, [*lazy, *_NAME_IN_SCRIPT.findall(text)])


def _is_relative(name: str) -> bool:
    return name.startswith(("/", "./", "../", "https://", "http://"))


def _from_base(path: str, names: Iterable[str]) -> Iterator[str]:
    """Names of Vite's preload list as paths. They are relative to the chunk, or to the base path without a dot.

    The base path ends where the folder of the name begins in the path of the chunk itself.
    """
    for name in names:
        folder = f"/{name.rpartition('/')[0]}/"
        if name.startswith(("/", ".")):
            yield name
        elif folder != "//" and folder in path:
            yield path[: path.index(folder) + 1] + name
