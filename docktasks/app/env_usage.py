"""Variables of import.meta.env that the app's source uses: https://vite.dev/guide/env-and-mode."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SCRIPT = re.compile(r"(?<!\.d)\.(?:[cm]?[jt]sx?|vue|svelte|astro)$")
TEST = re.compile(r"[._-](?:test|spec|stories|cy|e2e)\.[cm]?[jt]sx?$|^(?:vitest|playwright|cypress)\.")
OTHER_FOLDERS = {"node_modules", "coverage", "public", "test", "tests", "__tests__", "__mocks__", "e2e", "cypress"}
"""Folders without source of the site. Hidden ones have none either."""
MAX_FILE_BYTES = 1_000_000
"""A larger file is made by a program, and is no source."""

ENV = r"import\.meta(?:\s+as\s+\w+\))?\.env\b(?:\s+as\s+[\w<>, ]+\))?"
TEXTS = re.compile(r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?<![:\\])//[^\n]*|/\*.*?\*/|<!--.*?-->""", re.DOTALL)
"""A text, which is kept, or a comment."""
ALIAS = re.compile(rf"\b(\w+)\s*(?::[^=;\n]+)?=\s*{ENV}(?![\w.?!\[])")
UNPACKED = re.compile(rf"\{{([^{{}}]*)\}}\s*(?::\s*[\w<>. ]+)?=\s*{ENV}(?![\w.?!\[])")
UNPACKED_NAME = re.compile(r"\s*(\w+)\s*(?::\s*\w+\s*)?(=)?")
COPY = re.compile(r"\b(?:const|let|var)\s+(\w+)\s*(?::[^=;\n]+)?=\s*\(?$")
FALLBACK = r"\s*[!)]*\s*(?:as\s+\w+\s*)?(?:,\s*\d+\s*)?\)*\s*(?:\?\?|\|\||&&|[!=]==?|\?)"
"""What follows a value whose absence the source handles."""
NEGATED = re.compile(r"(?:!|\bif\s*\(|\btypeof\s|\bBoolean\()\s*\(?\s*$")
THROWS = re.compile(r"[\s)]*\{?\s*throw\b")
HTML_NAME = re.compile(r"%([A-Za-z_]\w*)%")


@dataclass
class Usage:
    """Names that need a value, with the file of their first use, and names to which a file gives one itself."""

    needed: dict[str, str] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)


def find(folder: Path, skipped: frozenset[str] = frozenset()) -> Usage:
    """Return what the source in a folder uses. `skipped` are folders with other names than OTHER_FOLDERS."""
    usage = Usage()
    for path in _source_files(folder, OTHER_FOLDERS | skipped):
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        if path.suffix == ".html":
            names = HTML_NAME.findall(_without_comments(text))
        elif "import.meta" in text or "process.env" in text:
            text = _without_comments(text)
            names = list(names_in(text))
            usage.defined.update(re.findall(r"""["'`]import\.meta\.env\.(\w+)["'`]""", text))
            usage.defined.update(re.findall(r"process\.env(?:\.|\[['\"])(\w+)(?:['\"]\])?\s*\??\|?\|?=(?!=)", text))
        else:
            continue
        for name in names:
            usage.needed.setdefault(name, str(path.relative_to(folder)))
    return usage


def names_in(text: str) -> Iterator[str]:
    """Yield the names that a script without comments uses, but for those whose absence it handles."""
    aliases = "|".join([ENV, *(rf"\b{name}\b" for name in ALIAS.findall(text))])
    access = re.compile(rf"(?:{aliases})[?!]?(?:\.\s*(\w+)|\.?\[\s*['\"`](\w+)['\"`]\s*\])")
    for match in access.finditer(text):
        if not _is_handled(text, match):
            yield match[1] or match[2]
    for match in UNPACKED.finditer(text):
        parts = (UNPACKED_NAME.match(part) for part in match[1].split(","))
        yield from (part[1] for part in parts if part and not part[2])


def _is_handled(text: str, use: re.Match[str]) -> bool:
    before, after = text[max(0, use.start() - 200) : use.start()], text[use.end() : use.end() + 200]
    if NEGATED.search(before):
        return not THROWS.match(after)
    copy = COPY.search(before)
    tested = rf"|(?:!|\bif\s*\()\s*{copy[1]}\s*\)(?!{THROWS.pattern})" if copy else ""
    is_copied = copy and re.search(rf"(?<![.\w]){copy[1]}{FALLBACK}{tested}", text)
    return bool(re.match(FALLBACK, after) or is_copied)


def _without_comments(text: str) -> str:
    return TEXTS.sub(lambda match: match[1] or " ", text)


def _source_files(folder: Path, skipped: set[str] | frozenset[str]) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in skipped and not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            is_page = name.endswith(".html") and root == str(folder)
            is_script = SCRIPT.search(name) and not TEST.search(name)
            if (is_page or is_script) and path.is_file() and path.stat().st_size <= MAX_FILE_BYTES:
                yield path
