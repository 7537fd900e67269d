"""Notices about variables that the app's source uses, and that reach its build from nowhere.

Those of import.meta.env: https://vite.dev/guide/env-and-mode.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from docktasks.app import env_files, inputs
from docktasks.app.package import SETTINGS_FILES, App
from docktasks.settings import Settings

BUILT_IN = {"MODE", "DEV", "PROD", "SSR", "BASE_URL", "VITE_USER_NODE_ENV"}
MAX_NAMES = 5
SETTINGS_VARIABLE = re.compile(r"^\s*[^#;\s].*?\$\{(\w+)\}", re.MULTILINE)
"""A variable without a value for its absence, in a file for npm, pnpm or yarn."""
PREFIXES = re.compile(r"\benvPrefix\b\s*:\s*(\[[^\]]*\]|['\"`][^'\"`]*['\"`])")

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


def notices(app: App, settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Return a notice for the variables that the environment has and the build does not get, and for those unset."""
    config = env_files.config_text(app)
    if re.search(r"import\.meta\.env(['\"`]\s*:|\.\$\{)", config):
        return []  # the configuration computes what import.meta.env is
    usage = find_usage(app.folder, frozenset({settings.app.dist}))
    prefixes = _prefixes(config)
    others = BUILT_IN | inputs.names(settings, environ) | {*settings.prod.runtime_env}
    names = [name for name in usage.needed if name.startswith(prefixes) and name not in others]
    scripts = env_files.build_scripts(app)
    of_files, kept_out = env_files.variables(app, settings.build.mode)
    defined = {*usage.defined, *of_files, *(name for name in names if f"{name}=" in scripts)}
    unset = [name for name in names if name not in {*environ, *defined}]
    in_environment = [name for name in names if name in environ]
    return [*_not_given(in_environment, settings), *_not_set(unset, settings, usage.needed, kept_out)]


def registry_notices(app: App, settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Return a notice for variables that the package manager's settings use, and that an installation does not get."""
    known = inputs.names(settings, environ, for_install=True)
    files = [path for name in SETTINGS_FILES if (path := app.root / name).is_file()]
    texts = {path.name: path.read_text(encoding="utf-8-sig", errors="replace") for path in files}
    uses = {name: file for file, text in texts.items() for name in SETTINGS_VARIABLE.findall(text) if name not in known}
    if not uses:
        return []
    secrets = " ".join(dict.fromkeys([*settings.build.secrets, *uses]))
    names, file = _listed(list(uses)), next(iter(uses.values()))
    return [f"{file} uses {names}, and the installation does not get it: INVOKE_BUILD_SECRETS={shlex.quote(secrets)}"]


def _not_given(names: list[str], settings: Settings) -> Iterator[str]:
    """Yield a notice for variables of the environment that the build does not get."""
    if names:
        are = "is" if len(names) == 1 else "are"
        text = f"{_listed(names)} {are} set in the environment, but the build does not get it"
        yield f"{text}: {_setting(names, settings)}"


def _not_set(
    names: list[str], settings: Settings, places: Mapping[str, str], kept_out: Mapping[str, str]
) -> Iterator[str]:
    """Yield a notice for variables that the build gets from nowhere.

    `places` has the file of each name's use, `kept_out` the file with it that no build gets.
    """
    if names:
        files = sorted({kept_out[name] for name in names if name in kept_out})
        reason = f" No build gets {' and '.join(files)}." if files else ""
        mode = settings.build.mode or "production"
        text = f"{_listed(names)}: {places[names[0]]} uses it, and the build does not get it.{reason}"
        yield f"{text} Set it in .env.{mode}, or in the environment with {_setting(names, settings)}"


def _setting(names: list[str], settings: Settings) -> str:
    """Return the setting that gives the build these variables, in addition to those that it gets."""
    prefixes = (*settings.build.env_prefixes, *(f"{name.partition('_')[0]}_" for name in names))
    return f"INVOKE_BUILD_ENV_PREFIXES={shlex.quote(' '.join(dict.fromkeys(prefixes)))}"


def _prefixes(config: str) -> tuple[str, ...]:
    """Return how names begin that Vite puts into a page: https://vite.dev/config/shared-options#envprefix."""
    texts = [name for match in PREFIXES.findall(config) for name in re.findall(r"['\"`]([^'\"`]+)['\"`]", match)]
    return tuple(texts) or ("VITE_",)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{', '.join(names[:MAX_NAMES])}{more}"


@dataclass
class Usage:
    """Names that need a value, with the file of their first use, and names to which a file gives one itself."""

    needed: dict[str, str] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)


def find_usage(folder: Path, skipped: frozenset[str] = frozenset()) -> Usage:
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
