"""Read the configuration that nginx has loaded, as `nginx -T` prints it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from docktasks.images import media_types

MAX_CHARS = 60
"""How much of a directive is shown."""
_FILE = re.compile(r"^# configuration file (\S+):$", re.MULTILINE)
_NOISE = re.compile(r"^nginx: .*\n?", re.MULTILINE)
_TOKEN = re.compile(
    r"""\#[^\n]*|"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'|(?P<sign>[{};])"""
    r"""|(?P<bare>(?:\\.|\$\{[^}]*\}|[^\s;{\\"'}#]|(?<=\S)[}"'#])(?:\\.|\$\{[^}]*\}|[^\s;{\\])*)""",
    re.DOTALL,
)
"""https://nginx.org/en/docs/beginners_guide.html#conf_structure"""
_WORD = re.compile(
    r"\$\{?(?P<kind>arg|http)_(?P<name>\w+)|(?<![\w./$*)])(?P<path>/(?!srv|tmp|etc|dev|usr|var|run)[A-Za-z][\w-]*(?:/[\w-]+)*)"
)
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
MAX_WORDS = 12
PACKAGED = media_types.TABLE.parents[1]
"""Our configuration, from which the build makes the image's."""


class Words(NamedTuple):
    """What a configuration names, of each at most some: paths, arguments of a query, and headers of a request."""

    paths: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


def words(texts: Iterable[str]) -> Words:
    """What these texts name and our configuration does not: it may change the answer to a request."""
    named = _names(texts) - _names(path.read_text(encoding="utf-8") for path in PACKAGED.rglob("*.conf"))
    kinds = (sorted(name for kind, name in named if kind == word_kind) for word_kind in (None, "arg", "http"))
    paths, arguments, headers = (tuple(names[:MAX_WORDS]) for names in kinds)
    return Words(paths, arguments, tuple(name.replace("_", "-") for name in headers))


def _names(texts: Iterable[str]) -> set[tuple[str | None, str]]:
    matches = (match for text in texts for match in _WORD.finditer(_COMMENT.sub("", text)))
    return {(match["kind"], match["name"] or match["path"]) for match in matches}


def redirected(texts: Iterable[str]) -> list[re.Pattern[str]]:
    """The addresses that the site's _redirects leads elsewhere (images/nginx/redirects.mjs)."""
    rows = [row for text in texts for row in re.findall(r'^\s+"~(.+)" "30\d!? ', text, re.MULTILINE)]
    return [re.compile(re.sub(r"\(\?<(?=\w)", "(?P<", row.replace("\\\\", "\\"))) for row in rows]


@dataclass(frozen=True)
class Directive:
    """A directive of a configuration file. `block` names those around it, such as `server`, the outermost first."""

    file: str
    block: tuple[str, ...]
    name: str
    args: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The directive as it is written, without its block."""
        return " ".join([self.name, *self.args])

    @property
    def is_row(self) -> bool:
        """True for a row of a table, such as a map, whose first word is no name."""
        return bool(self.block) and self.block[-1].startswith(("map ", "geo ", "types", "split_clients "))

    def __str__(self) -> str:
        around = f" in {self.block[-1]}" if self.block else ""
        text = self.text if len(self.text) <= MAX_CHARS else f"{self.text[:MAX_CHARS]}…"
        return f"{self.file}{around}: {text}"


def parse(output: str) -> list[Directive]:
    """The directives in an output of `nginx -T`. Those of an included file have no block around them."""
    _, *parts = _FILE.split(_NOISE.sub("", output))
    return [
        directive
        for name, text in zip(parts[::2], parts[1::2], strict=True)
        for directive in parse_file(name.removeprefix("/etc/nginx/"), text)
    ]


def parse_file(name: str, text: str) -> Iterator[Directive]:
    """Yield the directives of one file, and a block before what is in it."""
    blocks: list[str] = []
    words: list[str] = []
    for token in _TOKEN.finditer(text):
        sign = token["sign"]
        if sign in (";", "{") and words:
            directive = Directive(name, tuple(blocks), words[0], tuple(words[1:]))
            yield directive
            if sign == "{":
                blocks.append(directive.text)
            words = []
        elif sign == "}":
            del blocks[-1:]
        elif token.lastgroup:
            words.append(token[token.lastgroup])


def changes(loaded: Iterable[Directive], written: Iterable[Directive]) -> tuple[list[Directive], list[Directive]]:
    """The directives that were added to what was written, and those that are gone."""
    now, before = Counter(loaded), Counter(written)
    return list((now - before).elements()), list((before - now).elements())
