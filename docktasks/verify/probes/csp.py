"""What a Content-Security-Policy leaves open, and which inline code of a page it blocks: https://www.w3.org/TR/CSP3/.

Whether a policy lets a page load its files is not decided here: browser.policy asks a real browser.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from docktasks.verify.probes.html_page import HtmlPage, InlineCode

CSP = "content-security-policy"
"""The header."""
STRICT = (
    "default-src 'none'; img-src 'self' data:; font-src 'self' data:; media-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'"
)
"""prod.csp: strict without scripts and styles (images/nginx/policy.mjs), which differ from page to page."""
REQUIRED = ("default-src", "script-src", "object-src", "base-uri", "frame-ancestors")
SCRIPTS = ("script-src", "script-src-elem", "script-src-attr")
FOREIGN = {"https:", "http:", "data:", "blob:", "filesystem:"}
"""Schemes that let in code of any origin."""
ANY_HOST = re.compile(r"(?:https?://)?\*(?:\.[^./:]+)?(?:[:/]|$)", re.IGNORECASE)
"""A host that is everybody's, such as https://*, or *.com."""


@lru_cache(64)
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
        kind = "attr" if inline.attribute else "elem"
        sources = self.directives.get(f"{inline.tag}-src-{kind}", self.sources(f"{inline.tag}-src"))
        if sources is None or (inline.nonce and f"'nonce-{inline.nonce}'" in sources):
            return True
        takes_hashes = not inline.attribute or "'unsafe-hashes'" in sources
        is_named = takes_hashes and not set(_digests(inline.code).values()).isdisjoint(sources)
        return is_named or _allows_any_inline(sources)

    def weaknesses(self, frame_options: str) -> Iterator[str]:
        """The directives that are missing or too wide. `frame_options` is X-Frame-Options, which limits frames, too."""
        for name in REQUIRED:
            sources = self.sources(name)
            if sources is None:
                if name != "frame-ancestors" or frame_options.upper() not in ("DENY", "SAMEORIGIN"):
                    yield f"{name} is missing"
            elif set(sources) - {"'none'", "'self'"} if name in ("object-src", "base-uri") else _is_open(sources):
                yield f"{name} {' '.join(sources)}"
        for name in SCRIPTS[1:]:  # they count in place of script-src
            if name in self.directives and _is_open(self.directives[name]):
                yield f"{name} {' '.join(self.directives[name])}"
        judged = (*REQUIRED, *SCRIPTS)
        yield from (f"{name} *" for name, sources in self.directives.items() if name not in judged and "*" in sources)

    @property
    def is_strict(self) -> bool:
        """True if it blocks what it does not name."""
        return self.sources("default-src") == ["'none'"]

    def strict(self, html: str) -> str:
        """What prod.csp: strict would be for this page: the words of script-src, and the hashes of its styles."""
        scripts = [word for word in self.sources("script-src") or [] if word.startswith("'")]
        styles = ["'self'", *(_digests(code)["sha256"] for code in ["", *HtmlPage(html).styles])]
        return f"{STRICT}; script-src {' '.join(scripts)}; style-src {' '.join(styles)}"


def _digests(code: str) -> dict[str, str]:
    """Name of a hash -> the source that allows this code."""
    digests = {name: hashlib.new(name, code.encode()).digest() for name in ("sha256", "sha384", "sha512")}
    return {name: f"'{name}-{base64.b64encode(digest).decode()}'" for name, digest in digests.items()}


def _allows_any_inline(sources: list[str]) -> bool:
    """Browsers ignore 'unsafe-inline' next to a nonce, a hash or 'strict-dynamic'."""
    return "'unsafe-inline'" in sources and not any(re.match(r"'(nonce-|sha\d|strict-d)", source) for source in sources)


def _is_open(sources: list[str]) -> bool:
    # Browsers ignore hosts and schemes next to 'strict-dynamic'.
    is_dynamic = "'strict-dynamic'" in sources
    foreign = FOREIGN - ({"https:", "http:"} if is_dynamic else set())
    has_host = not is_dynamic and any(ANY_HOST.match(source) or source.startswith("http://") for source in sources)
    return has_host or bool(foreign.intersection(map(str.lower, sources))) or _allows_any_inline(sources)


def policies(headers: Iterable[str], html: str) -> tuple[Policy, ...]:
    """The policies of a page, by its headers and its meta elements. A browser obeys all of them."""
    texts = [text for value in [*headers, *HtmlPage(html).policies] for text in value.split(",")]
    return tuple(Policy(text) for text in texts if text.strip())


@lru_cache(64)  # a site has few policies, and thousands of answers
def weaknesses(policies: tuple[Policy, ...], frame_options: str) -> list[str]:
    """What no policy prevents."""
    first, *others = [list(policy.weaknesses(frame_options)) for policy in policies] or [["there is no policy"]]
    return [line for line in first if all(line in other for other in others)]


def blocked_code(policies: Iterable[Policy], html: str) -> Iterator[InlineCode]:
    """The inline code of a page that a policy blocks."""
    return (inline for inline in HtmlPage(html).inline if not all(policy.allows(inline) for policy in policies))
