"""The workspace that an app is a package of. npm, pnpm, yarn and bun install all packages of one at its root."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from docktasks.app.manifest import MANIFEST, entries, read_manifest, read_yaml
from docktasks.errors import AppError

PNPM_FILE = "pnpm-workspace.yaml"
CONFIG_FILE = re.compile(r"(vite|astro|nuxt|svelte|react-router)\.config\.\w+")
"""The configuration of Vite, or of a framework that calls it."""

VITE = re.compile(r"(?<![\w@/.-])(?:vite(?:-plus)?(?![\w/.-])|vp (?:dev|build)\b)")
"""Vite, or Vite+, in a script of package.json, or as a dependency."""

NOT_SOURCE = {"node_modules", "bower_components"}
"""Folders whose packages belong to no workspace."""

GLOB = re.compile(r"(?P<folders>\*\*/)|(?P<all>/\*\*$|\*\*)|(?P<any>\*)|(?P<one>\?)|\{(?P<choice>[^{}]*)\}")
"""What is not literal in a pattern: https://github.com/npm/map-workspaces, https://pnpm.io/pnpm-workspace_yaml."""


def root_of(folder: Path) -> Path:
    """Return the nearest folder whose workspace lists this one: itself, a parent in the same repository, or itself.

    Raises AppError when a file that may list it cannot be read.
    """
    if patterns_of(folder):
        return folder
    for parent in parents(folder):
        if _lists(patterns_of(parent), folder.relative_to(parent)):
            return parent
    return folder


def parents(folder: Path) -> Iterator[Path]:
    """Yield the folders above this one, up to that of the repository, or until the user's home."""
    while not (folder / ".git").exists():
        folder = folder.parent
        if folder in (folder.parent, Path.home()):
            return
        yield folder


def patterns_of(root: Path) -> list[str]:
    """Return the patterns for the packages of a workspace; none for another folder. One with ! takes packages out.

    Raises AppError when a file cannot be read.
    """
    return [*_pnpm_patterns(root / PNPM_FILE), *_manifest_patterns(root)]


def _pnpm_patterns(path: Path) -> list[str]:
    try:
        return _texts(path, "packages", read_yaml(path).get("packages"))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _manifest_patterns(root: Path) -> list[str]:
    try:
        workspaces = read_manifest(root).get("workspaces")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except AppError:
        # No npm takes a broken file for a workspace. One that speaks of none may be somebody else's.
        with suppress(OSError):
            if b'"workspaces"' in (root / MANIFEST).read_bytes():
                raise
        return []
    if isinstance(workspaces, dict):  # yarn 1, and bun with catalogs
        workspaces = workspaces.get("packages")
    return _texts(root / MANIFEST, "workspaces", workspaces)


def _texts(path: Path, key: str, value: Any) -> list[str]:
    if value is None:
        return []
    if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        raise AppError(
            f"{path} cannot be used: {key} is {value!r}.",
            "It lists the packages of a workspace, which the app may be one of.",
            f'Correct it, for example to the list ["apps/*", "packages/*"] ({key})',
        )
    return value


def _lists(patterns: list[str], path: Path) -> bool:
    """Return True when the patterns of a workspace list a path inside of it."""
    if NOT_SOURCE.intersection(path.parts):
        return False
    matching = [pattern for pattern in patterns if re.fullmatch(_expression(pattern), path.as_posix())]
    return bool(matching) and not any(pattern.startswith("!") for pattern in matching)


def _expression(pattern: str) -> str:
    """Return the regular expression for a pattern such as apps/*, ./packages/** or !apps/old/."""
    pattern = pattern.removeprefix("!").removeprefix("./").rstrip("/")

    def of_glob(match: re.Match[str]) -> str:
        if match["choice"] is not None:
            return f"(?:{'|'.join(map(_expression, match['choice'].split(',')))})"
        if match["all"]:
            return "(?:/.*)?" if match["all"].startswith("/") else ".*"
        return "(?:[^/]+/)*" if match["folders"] else "[^/]*" if match["any"] else "[^/]"

    texts, start = [], 0
    for match in GLOB.finditer(pattern):
        texts += [re.escape(pattern[start : match.start()]), of_glob(match)]
        start = match.end()
    return "".join([*texts, re.escape(pattern[start:])])


def packages_of(root: Path) -> dict[str, dict[str, Any]]:
    """Return the package.json of each package of a workspace, by its path in it, sorted; without that of the root.

    Raises AppError when a file cannot be read.
    """
    patterns, packages = patterns_of(root), dict[str, dict[str, Any]]()
    for folder, folders, files in os.walk(root) if patterns else ():
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCE and not name.startswith("."))
        path = Path(folder).relative_to(root)
        if MANIFEST in files and path.parts and _lists(patterns, path):
            packages[path.as_posix()] = read_manifest(Path(folder))
    return packages


def apps_of(root: Path) -> list[str]:
    """Return the paths of a workspace's Vite apps, where its root is none."""
    if not patterns_of(root) or has_page(root) or (has_config(root) and _runs_vite(root)):
        return []
    packages = packages_of(root).items()
    return apps_among(root, (path for path, manifest in packages if manifest.get("scripts") or has_page(root / path)))


def apps_among(root: Path, paths: Iterable[str]) -> list[str]:
    """Return the paths with a page, else with a configuration. Those without Vite, as of Next.js, are a last choice."""
    configured = {path: has_config(root / path) for path in paths}
    apps = [path for path in configured if has_page(root / path)] or [path for path in configured if configured[path]]
    own = [path for path in apps if not configured[path]]
    others = {path for path in own if not VITE.search((root / path / MANIFEST).read_text("utf-8", "replace"))}
    return [path for path in apps if path not in others] or apps


def _runs_vite(root: Path) -> bool:
    """Return True where a script of the root runs Vite. Else its configuration is for tests, or for a linter."""
    scripts = entries(read_manifest(root), "scripts") if (root / MANIFEST).is_file() else {}
    return any(VITE.search(str(text)) for text in scripts.values())


def refuse_deno(folder: Path, manifest: dict[str, Any]) -> None:
    """Raise AppError for an app that only Deno installs: its package.json has neither a script nor Vite."""
    name = next((name for name in ("deno.json", "deno.jsonc") if (folder / name).is_file()), "")
    packages = entries(manifest, "dependencies", "devDependencies")
    if name and not manifest.get("scripts") and packages.keys().isdisjoint({"vite"} | configured_programs(folder)):
        raise AppError(
            f"{folder} is an app of Deno ({name}).",
            "It is installed and built by npm, pnpm, yarn or bun here, which read package.json only.",
            f'Add to package.json the packages of {name}, as "vite": "5" for npm:vite@5, and the scripts '
            '"dev": "vite" and "build": "vite build"',
        )


def has_page(folder: Path) -> bool:
    """Return True for a folder with a page of its own, or with a framework that makes the pages."""
    return (folder / "index.html").is_file() or any(configured_programs(folder) - {"vite"})


def has_config(folder: Path) -> bool:
    """Return True for a folder with a configuration of Vite, or of a framework that calls it."""
    return bool(configured_programs(folder))


def configured_programs(folder: Path) -> set[str]:
    """Return the programs, such as vite or astro, whose configuration is in a folder."""
    return {match[1] for path in folder.iterdir() if (match := CONFIG_FILE.fullmatch(path.name))}
