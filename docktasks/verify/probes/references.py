"""Find the files of the site that a page, a script or a style sheet loads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

# A quoted path to a file that a page loads. Bundlers write it relative to the chunk that names it ("./About-x.js"), or
# relative to the base path ("assets/About-x.css", in Vite's list of preloads).
_IN_SCRIPT = re.compile(
    r"""["'`]((?:\.{0,2}/)?(?:[\w.@-]+/)*[\w.@-]+\.(?:m?js|css|woff2?|svg|png|jpe?g|webp|avif|gif|ico|wasm))["'`]"""
)
_IN_STYLE = re.compile(r"""url\(\s*["']?(?!data:|#)([^"')]+)["']?\s*\)""")
_LINKS_TO_NO_FILE = ("canonical", "alternate", "preconnect")


class Html(HTMLParser):
    """Parses any page. The standard library fails on `<![x`, which browsers take for a comment."""

    def parse_marked_section(self, i: int, report: bool = True) -> int:  # noqa: FBT001, FBT002 - as in the base class
        """Take `<![…>` for a comment."""
        del report
        return self.parse_bogus_comment(i)


class _Page(Html):
    """Collects the URLs that an HTML page loads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the URLs of one element."""
        attributes = dict(attrs)
        if tag != "a" and not (tag == "link" and attributes.get("rel") in _LINKS_TO_NO_FILE):
            self.urls += filter(None, (attributes.get("src"), attributes.get("href")))


def referenced_paths(url: str, media_type: str, text: str) -> Iterator[str]:
    """The paths on the same host that a text of this media type, served at `url`, refers to."""
    host = urlsplit(url).netloc
    for name in _names(url, media_type, text):
        try:
            target = urlsplit(urljoin(url, name))
        except ValueError:  # such as http://[x
            continue
        if target.netloc == host and target.scheme in ("http", "https"):
            yield target.path or "/"


def _names(url: str, media_type: str, text: str) -> Iterable[str]:
    if media_type == "text/html":
        return _Page(text).urls
    if media_type == "text/css":
        return [str(name) for name in _IN_STYLE.findall(text)]
    if media_type in ("text/javascript", "application/javascript"):
        return _names_in_script(urlsplit(url).path, text)
    return ()


def _names_in_script(path: str, text: str) -> Iterator[str]:
    for name in _IN_SCRIPT.findall(text):
        folder = f"/{name.rpartition('/')[0]}/"
        if name.startswith(("/", ".")):
            yield name
        # Vite's preload list is relative to the base path, which ends where the folder begins in the chunk's own path.
        # Any other text without a dot or a slash in front only looks like a path.
        elif folder != "//" and folder in path:
            yield path[: path.index(folder) + 1] + name
