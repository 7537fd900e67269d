"""Read a page as a browser does: the files that it loads, its links, its policies, and its inline code."""

from __future__ import annotations

import re
from functools import lru_cache
from html.parser import HTMLParser
from typing import NamedTuple

NEEDED_LINKS = {"stylesheet", "modulepreload", "preload"}
LINKS_TO_FILES = NEEDED_LINKS | {"icon", "apple-touch-icon", "mask-icon", "manifest"}
"""Values of `rel` whose target a browser loads with the page. The page works without what is not needed."""
SRCSET_COMMA = re.compile(r",\s+|,(?=https?:)")
"""What separates the pictures of a srcset. An address may have a comma, too."""
LOADING_ELEMENTS = {"script", "img", "source", "video", "audio", "track", "embed"}
"""Elements whose `src` a browser loads with the page."""
SHARED_PICTURES = {"og:image", "twitter:image"}
"""Names of meta elements whose picture is shown where somebody links to the page."""
INERT_ELEMENTS = {"template", "noscript"}
"""A browser that runs scripts loads nothing that these contain."""
CODE_TYPES = {"", "module", "importmap", "text/javascript"}
"""The types of script elements that a browser runs."""
HANDLER = re.compile(
    r"on(?:abort|animation\w+|before\w+|blur|cancel|canplay\w*|change|(?:dbl)?click|close|contextmenu|copy|cut|drag\w*|drop"
    r"|ended|error|focus\w*|hashchange|input|invalid|key\w+|load\w*|message|mouse\w+|page\w+|paste|pause|play\w*"
    r"|pointer\w+|popstate|progress|reset|resize|scroll\w*|select\w*|submit|toggle|touch\w+|transition\w+|unload|wheel)"
)
"""Matches the attributes that are code. Others, such as `once`, may be those of a component."""


class InlineCode(NamedTuple):
    """The content of a script or style element, or of an attribute, such as onclick, that is code of that kind."""

    tag: str
    nonce: str
    code: str = ""
    attribute: str = ""

    @property
    def label(self) -> str:
        """Where it stands, how it begins, and which directive does not have it."""
        return f"inline {self.attribute or f'<{self.tag}>'} {' '.join(self.code.split())[:40]} is not in {self.tag}-src"


@lru_cache(64)  # most answers of a survey have the text of one of a few pages
class HtmlPage(HTMLParser):
    """What a page names: the URLs that it `loaded` or may load (`possible`), its `links` and their `base`.

    `policies` are those of its meta elements, `inline` is its own code, `styles` are the style sheets in it, and
    `without_integrity` has the addresses of scripts and style sheets without one. `ids` are where a link may lead, and
    `part_links` the links to parts of a page.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.base = ""
        self.loaded, self.possible, self.links = list[str](), list[str](), list[str]()
        self.policies, self.inline, self.without_integrity = list[str](), list[InlineCode](), list[str]()
        self.ids, self.part_links = set[str](), list[str]()
        self._is_inline, self._inert = False, 0
        self.feed(re.sub(r"\r\n?", "\n", html))  # as a browser reads it, which hashes the text then
        self.close()
        self.styles = [inline.code for inline in self.inline if inline.tag == "style" and not inline.attribute]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element loads, allows or runs."""
        attributes: dict[str, str] = {}
        for name, value in attrs:
            attributes.setdefault(name, value or "")  # of two with one name the first counts
        self.ids |= {attributes.get("id", ""), attributes.get("name", "") if tag == "a" else ""}
        self._inert += tag in INERT_ELEMENTS
        if tag == "base":
            self.base = self.base or attributes.get("href", "")
        if tag == "meta" and attributes.get("property", attributes.get("name", "")).lower() in SHARED_PICTURES:
            self.possible.append(attributes.get("content", ""))
        if tag == "meta" and attributes.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(attributes.get("content", ""))
        self._note_files(tag, attributes, set(attributes.get("rel", "").lower().split()))
        self._note_code(tag, attributes)

    def _note_files(self, tag: str, attributes: dict[str, str], kinds: set[str]) -> None:
        url = attributes.get("href" if tag in ("a", "area", "link") else "src", "")
        is_code = bool(url) if tag == "script" else not kinds.isdisjoint({"stylesheet", "modulepreload"})
        if is_code and not attributes.get("integrity"):
            self.without_integrity.append(url)
        if self._inert:
            return
        for name in ("srcset", "imagesrcset", "poster"):
            self.possible += [part.strip().partition(" ")[0] for part in SRCSET_COMMA.split(attributes.get(name, ""))]
        if tag in ("a", "area", "iframe"):
            self.links.append(url)
            # A script may handle what it finds by such an attribute.
            is_handled = any(name == "role" or name.startswith(("on", "data-")) for name in attributes)
            self.part_links += [url] if "#" in url and tag != "iframe" and not is_handled else []
        elif tag == "form" and attributes.get("method", "get").lower() == "get":
            self.links.append(attributes.get("action", ""))
        elif tag in LOADING_ELEMENTS or (tag == "link" and kinds & LINKS_TO_FILES):
            is_needed = kinds & NEEDED_LINKS if tag == "link" else tag != "source"
            (self.loaded if is_needed and not _is_conditional(tag, attributes) else self.possible).append(url)

    def _note_code(self, tag: str, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            if value.strip() and not self._inert and (name == "style" or HANDLER.fullmatch(name)):
                self.inline.append(InlineCode("style" if name == "style" else "script", "", value, name))
        is_code = tag == "script" and attributes.get("type", "").lower() in CODE_TYPES and not attributes.get("src")
        self._is_inline = tag == "style" or is_code
        if self._is_inline:
            self.inline.append(InlineCode(tag, attributes.get("nonce", "")))

    def handle_data(self, data: str) -> None:
        """Note the code of the element that is open."""
        if self._is_inline:
            self.inline[-1] = self.inline[-1]._replace(code=self.inline[-1].code + data)

    def handle_endtag(self, tag: str) -> None:
        """Note the end of inline code, and of an element whose content has no effect."""
        self._inert -= tag in INERT_ELEMENTS and self._inert > 0
        self._is_inline = self._is_inline and tag != self.inline[-1].tag

    def parse_marked_section(self, i: int, report: bool = True) -> int:  # noqa: FBT001, FBT002 - as in the base class
        """Take `<![…>` for a comment, as browsers do. The standard library fails on `<![x`."""
        del report
        return self.parse_bogus_comment(i)


def _is_conditional(tag: str, attributes: dict[str, str]) -> bool:
    """True for what a page does without: a lazy picture, data, or a script of the deployment. Vite bundles modules."""
    is_data = tag == "script" and attributes.get("type", "").lower() != "module"
    values = {"loading": "lazy", "preload": "none"}.items()
    return is_data or not {"disabled", "nomodule"}.isdisjoint(attributes) or not values.isdisjoint(attributes.items())
