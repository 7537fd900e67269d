"""A Content-Security-Policy as a browser reads it: what it lets in, and whether a page keeps to it.

https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from docktasks.verify.probes.references import Html

FALLBACK = {
    "script-src-elem": ("script-src-elem", "script-src", "default-src"),
    "script-src-attr": ("script-src-attr", "script-src", "default-src"),
    "style-src-elem": ("style-src-elem", "style-src", "default-src"),
    "style-src-attr": ("style-src-attr", "style-src", "default-src"),
    "frame-src": ("frame-src", "child-src", "default-src"),
    "base-uri": ("base-uri",),
}
"""Which directive counts, where it is not the name itself and then default-src."""
WEB = "http", "https", "ws", "wss"


@dataclass(frozen=True)
class Use:
    """What a page does that a policy may forbid: loads `url`, or holds `code`; `nonce` is the element's."""

    directive: str
    what: str
    url: str = ""
    code: str | None = None
    nonce: str = ""


class Policy:
    """One policy, as the header has it; of a directive that stands twice the first counts."""

    def __init__(self, text: str, page: str) -> None:
        parts = [part.split() for part in text.split(";") if part.strip()]
        self.directives = {name.lower(): sources for name, *sources in reversed(parts)}
        self._page = urlsplit(page)

    def sources(self, directive: str) -> list[str] | None:
        """The sources that count for a directive; None where nothing is forbidden."""
        for name in FALLBACK.get(directive, (directive, "default-src")):
            if name in self.directives:
                return self.directives[name]
        return None

    def allows(self, use: Use) -> bool:
        """True when a browser would let this be."""
        sources = self.sources(use.directive)
        if sources is None:
            return True
        if use.nonce and f"'nonce-{use.nonce}'" in sources:
            return True
        if use.code is not None:
            return self._allows_code(use, sources)
        if "'strict-dynamic'" in sources and use.directive == "script-src-elem":
            return False
        return any(self._matches(source, use.url) for source in sources)

    @staticmethod
    def _allows_code(use: Use, sources: list[str]) -> bool:
        hashes = {
            f"'{name}-{base64.b64encode(hashlib.new(name, (use.code or '').encode()).digest()).decode()}'"
            for name in ("sha256", "sha384", "sha512")
        }
        if hashes & set(sources) and (not use.directive.endswith("-attr") or "'unsafe-hashes'" in sources):
            return True
        strict = any(re.match(r"'(?:nonce-|sha\d+-|strict-dynamic)", source) for source in sources)
        return "'unsafe-inline'" in sources and not strict

    def _matches(self, source: str, url: str) -> bool:
        try:
            return self._covers(source, urlsplit(url))
        except ValueError:  # such as http://[x or a port of letters
            return False

    def _covers(self, source: str, asked: SplitResult) -> bool:
        if source == "'self'":
            return (asked.scheme, asked.netloc) == (self._page.scheme, self._page.netloc)
        if source.startswith("'"):
            return False
        if source == "*":
            return asked.scheme in (*WEB, self._page.scheme)
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:", source):
            return asked.scheme == source[:-1].lower() or (source.lower() == "http:" and asked.scheme == "https")
        wanted = urlsplit(source if "://" in source else f"//{source}")
        if asked.scheme not in {wanted.scheme or self._page.scheme, "https"}:
            return False
        host, here = (wanted.hostname or "").lower(), (asked.hostname or "").lower()
        named = here.endswith(host[1:]) if host.startswith("*.") else here == host
        port = wanted.netloc.rpartition(":")[2] if re.search(r":(\d+|\*)$", wanted.netloc) else ""
        default = {"http": "80", "https": "443"}.get(asked.scheme, "")
        rightly = port == "*" or (port or default) == str(asked.port or default)
        path = not wanted.path or (
            asked.path.startswith(wanted.path) if wanted.path.endswith("/") else asked.path == wanted.path
        )
        return named and rightly and path


class _Uses(Html):
    """Collects what a page does."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.found, self.metas = url, [], []  # type: str, list[Use], list[str]
        self._inline: tuple[str, str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        nonce = given.get("nonce", "")
        for name, value in given.items():
            if name.startswith("on"):
                self.found.append(Use("script-src-attr", f"<{tag} {name}=…>", code=value))
            elif name == "style":
                self.found.append(Use("style-src-attr", f"<{tag} style=…>", code=value))
        if tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            self.metas.append(given.get("content", ""))
        directive, url = _loads(tag, given)
        if url:
            with contextlib.suppress(ValueError):  # such as http://[x, which no browser loads
                joined = urljoin(self.url, url.strip())
                self.found.append(Use(directive, f"<{tag}> {url}", joined, nonce=nonce))
        runs = tag == "script" and given.get("type", "").lower() in ("", "module", "importmap", "text/javascript")
        if (runs and not given.get("src")) or tag == "style":
            self._inline = f"{tag}-src-elem", nonce, ""

    def handle_data(self, data: str) -> None:
        if self._inline:
            self._inline = *self._inline[:2], self._inline[2] + data

    def handle_endtag(self, tag: str) -> None:
        if self._inline and tag in ("script", "style"):
            directive, nonce, code = self._inline
            self.found.append(Use(directive, f"inline <{tag}> {' '.join(code.split())[:40]}", code=code, nonce=nonce))
            self._inline = None


def _loads(tag: str, given: dict[str, str]) -> tuple[str, str]:
    if tag == "link":
        rel, kind = given.get("rel", "").lower().split(), given.get("as", "")
        by_rel = {
            "stylesheet": "style-src-elem", "modulepreload": "script-src-elem", "icon": "img-src",
            "apple-touch-icon": "img-src", "manifest": "manifest-src",
        }  # fmt: skip
        by_kind = {"script": "script-src-elem", "style": "style-src-elem", "font": "font-src", "image": "img-src"}
        if "preload" in rel:
            return by_kind.get(kind, ""), given.get("href", "") if kind in by_kind else ""
        directive = next((by_rel[name] for name in rel if name in by_rel), "")
        return directive, given.get("href", "") if directive else ""
    directive = {
        "script": "script-src-elem", "img": "img-src", "iframe": "frame-src", "video": "media-src",
        "audio": "media-src", "embed": "object-src", "track": "media-src",
    }.get(tag, "")  # fmt: skip
    if tag == "object":
        return "object-src", given.get("data", "")
    if tag == "base":
        return "base-uri", given.get("href", "")
    return directive, given.get("src", "") if directive else ""


def policies(headers: Iterable[str], page: str, html: str) -> tuple[list[Policy], list[Use]]:
    """The policies that a page is under, of headers and meta elements, and what it does."""
    uses = _Uses(page)
    uses.feed(html)
    uses.close()
    texts = [text for value in [*headers, *uses.metas] for text in value.split(",")]
    return [Policy(text, page) for text in texts if text.strip()], uses.found


def open_ways(given: list[Policy], framed: str) -> Iterator[str]:
    """What no policy keeps out: scripts of anybody, plugins, another base, frames unless `framed` (X-Frame-Options)."""
    ways = [set(_open(policy, framed)) for policy in given]
    for way in _open(given[0], framed) if given else ():
        if all(way in other for other in ways):
            yield way


def _open(policy: Policy, framed: str) -> Iterator[str]:
    for directive, bad in (
        ("default-src", _anybody),
        ("script-src", _anybody),
        ("object-src", lambda sources: set(sources) - {"'none'", "'self'"}),
        ("base-uri", lambda sources: set(sources) - {"'none'", "'self'"}),
        ("frame-ancestors", _anybody),
    ):
        named = policy.directives.get(directive)
        sources = named if named is not None or not directive.endswith("-src") else policy.sources(directive)
        if directive == "frame-ancestors" and sources is None and framed.upper() in ("DENY", "SAMEORIGIN"):
            continue
        if sources is None:
            yield f"{directive} is missing"
        elif bad(sources):
            yield f"{directive} {' '.join(sources)}"
    for name, sources in policy.directives.items():
        if name not in ("default-src", "script-src", "object-src", "base-uri", "frame-ancestors") and "*" in sources:
            yield f"{name} *"


def _anybody(sources: list[str]) -> bool:
    strict = any(re.match(r"'(?:nonce-|sha\d+-|strict-dynamic)", source) for source in sources)
    loose = {"'unsafe-inline'"} if not strict else set()
    unsafe = {"'unsafe-eval'", "*", "https:", "http:", "data:", "blob:", "filesystem:", *loose}
    if "'strict-dynamic'" in sources:
        unsafe -= {"https:", "http:", "*"}  # a browser that knows the word leaves these out
    return any(source.lower() in unsafe or "*." in source or source.startswith("http://") for source in sources)
