"""What a Content-Security-Policy leaves open, and which inline code of a page it blocks: https://www.w3.org/TR/CSP3/.

Whether a policy lets a page load its files is not decided here: browser.policy asks a real browser.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from docktasks.verify.probes.references import Html

REQUIRED = ("default-src", "script-src", "object-src", "base-uri", "frame-ancestors")
FOREIGN = {"'unsafe-eval'", "*", "https:", "http:", "data:", "blob:", "filesystem:"}
"""Sources that let in code of any origin."""


class InlineCode(NamedTuple):
    """The content of a script or style element."""

    tag: str
    nonce: str
    code: str = ""


class Policy:
    """One policy. Of a directive that stands twice the first counts."""

    def __init__(self, text: str) -> None:
        parts = [part.split() for part in text.split(";") if part.strip()]
        self.directives = {name.lower(): sources for name, *sources in reversed(parts)}

    def sources(self, name: str) -> list[str] | None:
        """The sources for a directive, which may be those of default-src; None if nothing is blocked."""
        fallback = self.directives.get("default-src") if "-src" in name else None
        return self.directives.get(name, fallback)

    def allows(self, inline: InlineCode) -> bool:
        """True if a browser takes this code."""
        sources = self.directives.get(f"{inline.tag}-src-elem", self.sources(f"{inline.tag}-src"))
        if sources is None or (inline.nonce and f"'nonce-{inline.nonce}'" in sources):
            return True
        digests = {name: hashlib.new(name, inline.code.encode()).digest() for name in ("sha256", "sha384", "sha512")}
        hashes = {f"'{name}-{base64.b64encode(digest).decode()}'" for name, digest in digests.items()}
        return not hashes.isdisjoint(sources) or _allows_any_inline(sources)

    def weaknesses(self, frame_options: str) -> Iterator[str]:
        """The directives that are missing or too wide. `frame_options` is X-Frame-Options, which limits frames, too."""
        for name in REQUIRED:
            sources = self.sources(name)
            if sources is None:
                if name != "frame-ancestors" or frame_options.upper() not in ("DENY", "SAMEORIGIN"):
                    yield f"{name} is missing"
            elif set(sources) - {"'none'", "'self'"} if name in ("object-src", "base-uri") else _is_open(sources):
                yield f"{name} {' '.join(sources)}"
        yield from (f"{name} *" for name, sources in self.directives.items() if name not in REQUIRED and "*" in sources)


def _allows_any_inline(sources: list[str]) -> bool:
    """Browsers ignore 'unsafe-inline' next to a nonce, a hash or 'strict-dynamic'."""
    return "'unsafe-inline'" in sources and not any(re.match(r"'(nonce-|sha\d|strict-d)", source) for source in sources)


def _is_open(sources: list[str]) -> bool:
    # Browsers ignore hosts and schemes next to 'strict-dynamic'.
    foreign = FOREIGN - ({"https:", "http:", "*"} if "'strict-dynamic'" in sources else set())
    wide = [source for source in sources if source.lower() in foreign or "*." in source or source.startswith("http://")]
    return bool(wide) or _allows_any_inline(sources)


class Page(Html):
    """The policies that a page has in meta elements, its inline scripts and styles, and how many lack an integrity."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.policies: list[str] = []
        self.inline: list[InlineCode] = []
        self.without_integrity = 0
        self._is_inline = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a policy, or the beginning of inline code."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "meta" and attributes.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(attributes.get("content", ""))
        loads = attributes.get("rel") in ("stylesheet", "modulepreload") or (tag == "script" and attributes.get("src"))
        self.without_integrity += bool(loads) and not attributes.get("integrity")
        runs = attributes.get("type", "").lower() in ("", "module", "importmap", "text/javascript")
        self._is_inline = tag == "style" or (tag == "script" and runs and not attributes.get("src"))
        if self._is_inline:
            self.inline.append(InlineCode(tag, attributes.get("nonce", "")))

    def handle_data(self, data: str) -> None:
        """Note the code of the element that is open."""
        if self._is_inline:
            self.inline[-1] = self.inline[-1]._replace(code=self.inline[-1].code + data)

    def handle_endtag(self, tag: str) -> None:
        """Note the end of inline code."""
        self._is_inline = self._is_inline and tag != self.inline[-1].tag


def policies(headers: Iterable[str], html: str) -> list[Policy]:
    """The policies of a page, by its headers and its meta elements. A browser obeys all of them."""
    texts = [text for value in [*headers, *Page(html).policies] for text in value.split(",")]
    return [Policy(text) for text in texts if text.strip()]


def weaknesses(policies: list[Policy], frame_options: str) -> list[str]:
    """What no policy prevents."""
    first, *others = [list(policy.weaknesses(frame_options)) for policy in policies] or [["there is no policy"]]
    return [line for line in first if all(line in other for other in others)]


def blocked_code(policies: list[Policy], html: str) -> Iterator[str]:
    """The inline code of a page that a policy blocks."""
    for inline in Page(html).inline:
        if not all(policy.allows(inline) for policy in policies):
            yield f"inline <{inline.tag}> {' '.join(inline.code.split())[:40]} is not in {inline.tag}-src"
