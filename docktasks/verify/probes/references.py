"""What a page, a script or a style names: the other files of the site that a browser loads with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

# A quoted path to a file that a page loads. Bundlers write chunks relative to the chunk that names them
# ("./About-x.js") or to the base path ("assets/About-x.css", Vite's list of preloads).
_IN_SCRIPT = re.compile(
    r"""["'`]((?:\.{0,2}/)?(?:[\w.@-]+/)*[\w.@-]+\.(?:m?js|css|woff2?|svg|png|jpe?g|webp|avif|gif|ico|wasm))["'`]"""
)
_IN_STYLE = re.compile(r"""url\(\s*["']?(?!data:|#)([^"')]+)["']?\s*\)""")


class Html(HTMLParser):
    """Reads any page: where the standard library gives up at `<![x`, this takes it for a comment, as browsers do."""

    def parse_marked_section(self, i: int, report: bool = True) -> int:  # noqa: FBT001, FBT002 - as its base has it
        """Take `<![…>` for a comment."""
        del report
        return self.parse_bogus_comment(i)


class _Page(Html):
    """Collects what an HTML page loads: src, and href of link elements that load a file."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the URL of one element."""
        given = dict(attrs)
        loads = tag != "a" and not (tag == "link" and given.get("rel") in ("canonical", "alternate", "preconnect"))
        for url in (given.get("src"), given.get("href")):
            if url and loads:
                self.urls.append(url)


def named(url: str, kind: str, text: str) -> Iterable[str]:
    """Paths on the same host that a text at `url` names, by its media type."""
    path, host = urlsplit(url).path, urlsplit(url).netloc
    if kind == "text/html":
        page = _Page()
        page.feed(text)
        names = page.urls
    elif kind == "text/css":
        names = _IN_STYLE.findall(text)
    elif kind in ("text/javascript", "application/javascript"):
        names = _in_script(path, text)
    else:
        return
    for name in names:
        try:
            joined = urlsplit(urljoin(url, name))
        except ValueError:  # such as http://[x
            continue
        if joined.netloc == host and joined.scheme in ("http", "https"):
            yield joined.path or "/"


def _in_script(path: str, text: str) -> list[str]:
    names = []
    for name in _IN_SCRIPT.findall(text):
        # Vite's preload list is relative to the base path, of which the chunk's own folder is a part. Any other path
        # without a dot or a slash in front is a text that looks like one.
        folder = name.rpartition("/")[0]
        if name.startswith(("/", ".")):
            names.append(name)
        elif folder and f"/{folder}/" in path:
            names.append(path[: path.index(f"/{folder}/") + 1] + name)
    return names
