"""The setting prod.csp_sources: what an app adds to its Content-Security-Policy. https://www.w3.org/TR/CSP3/."""

from __future__ import annotations

import re

SCRIPT_WORDS = ("'unsafe-inline'", "'unsafe-eval'", "'wasm-unsafe-eval'", "'unsafe-hashes'")
WORDS: dict[str, tuple[str, ...]] = {
    "default-src": (), "script-src": SCRIPT_WORDS, "style-src": ("'unsafe-inline'", "'unsafe-hashes'"), "img-src": (),
    "font-src": (), "media-src": (), "connect-src": (), "manifest-src": (), "worker-src": (), "frame-src": (),
    "object-src": (), "base-uri": (), "form-action": (), "frame-ancestors": (),
}  # fmt: skip
"""Directive -> the words in quotation marks that it takes, in addition to 'self' and 'none'."""

WIDER = {
    "child-src": "frame-src and worker-src", "script-src-attr": "script-src", "script-src-elem": "script-src",
    "style-src-attr": "style-src", "style-src-elem": "style-src",
}  # fmt: skip
"""Directives that neither profile has, and those that hold their sources."""

HASH = re.compile(r"'sha(?:256|384|512)-[A-Za-z0-9+/_-]{43,86}={0,2}'")
SCHEME = re.compile(r"(?!javascript:)[a-z][a-z0-9+.-]*:", re.IGNORECASE)
HOST = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:\*|(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::(?:[0-9]{1,5}|\*))?"
    r"(?:/[A-Za-z0-9\-._~!&()*+=:@%/]*)?",
    re.IGNORECASE,
)
MAX_CHARACTERS = 2_000
"""nginx reads a word of its configuration of up to 4,096 bytes, and the policy is one."""


def policy_sources(text: str) -> str:
    """Return the directives of a text such as `img-src https://cdn.example; frame-src https://pay.example`, tidied."""
    directives: dict[str, list[str]] = {}
    for directive, *sources in (part.split() for part in text.split(";") if part.strip()):
        name = directive.lower()
        if fault := f"{name} is set twice" if name in directives else _fault(name, sources):
            raise ValueError(f"directives with their sources, such as img-src https://cdn.example; {fault}")
        directives[name] = sources
    tidied = "; ".join(" ".join([name, *sources]) for name, sources in directives.items())
    if len(tidied) > MAX_CHARACTERS:
        raise ValueError(f"at most {MAX_CHARACTERS:,} characters long")
    return tidied


def _fault(name: str, sources: list[str]) -> str:
    """Say what is wrong with a directive; an empty text if nothing is."""
    if name not in WORDS:
        advice = f"use {WIDER[name]}" if name in WIDER else f"the directives are {', '.join(WORDS)}"
        return f"{name} is no directive of the policy: {advice}"
    if not sources:
        return f"{name} has no source: add one, or 'none'"
    if "'none'" in sources and len(sources) > 1:
        return f"{name} has 'none' with other sources, but 'none' means no source at all"
    faults = [f"{source} in {name} is no source: {reason}" for source in sources if (reason := _reason(name, source))]
    return "".join(faults[:1])


def _reason(name: str, source: str) -> str:
    """Say why a directive does not take a source; an empty text if it does."""
    if source.startswith("'"):
        return _reason_of_word(name, source)
    if source.lower() in WORDS:
        return "a semicolon is missing before it"
    if f"'{source.lower()}'" in ("'self'", "'none'", *SCRIPT_WORDS):
        return f"write '{source.lower()}', with its quotation marks"
    is_host = HOST.fullmatch(source) and (re.search(r"[.:*]", source) or source.lower() == "localhost")
    if SCHEME.fullmatch(source) or is_host:
        return ""
    return "write an origin such as https://cdn.example, or a scheme such as blob:"


def _reason_of_word(name: str, word: str) -> str:
    """Say why a directive does not take a word in quotation marks; an empty text if it does."""
    words = ("'self'", "'none'", *WORDS[name])
    if word in words or (WORDS[name] and HASH.fullmatch(word)):
        return ""
    if word.startswith("'nonce-"):
        return "a nonce must be another one for each answer, and a file has the same each time"
    if word == "'strict-dynamic'":
        return "the browser would refuse every script file of the site"
    return f"the words of {name} are {' '.join(words)}"
