"""The packages of a workspace that an app needs and that have to be built before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from docktasks.app import git
from docktasks.app.manifest import entries
from docktasks.app.package import App
from docktasks.app.workspaces import packages_of

DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
ENTRIES = ("main", "module", "browser", "types", "typings", "style", "bin", "exports")
"""The fields of package.json that name files for those who need the package."""

SUFFIXES = ("", ".js", ".cjs", ".mjs", ".json")
"""What node tries after the name in `main`."""

OUTPUT = "dist"
"""The folder that is no source where no git says which ones are."""


@dataclass(frozen=True)
class Sibling:
    """A package to build: its folder in the workspace, and the folders and files in it that are not source.

    `is_built` is True when all files that it names are there, from an earlier build.
    """

    path: str
    outputs: tuple[str, ...] = ()
    is_built: bool = False


@lru_cache(maxsize=1)
def siblings_of(app: App) -> list[Sibling]:
    """Return the packages to build before the app, in that order, as they were at the first question.

    They have a script `build`, and name a file that is not in the source; or turbo or nx builds them before the app.
    Raises AppError when a package.json is unreadable.
    """
    packages = packages_of(app.root)
    paths = {str(manifest.get("name")): path for path, manifest in packages.items() if path != app.path_in_root}
    in_order = _in_order(app.manifest, paths, packages, set())
    needed = [path for path in in_order if entries(packages[path], "scripts").get("build")]
    files = {path: sorted(set(_named_files(packages[path]))) for path in needed}
    outputs = _outputs(app.root, files)
    builds_all = _orchestrator_builds_all(app.root)
    built = {path: all(_exists(app.root / path, file) for file in files[path]) for path in needed}
    siblings = [Sibling(path, outputs[path], built[path]) for path in needed]
    return [sibling for sibling in siblings if builds_all or sibling.outputs or not sibling.is_built]


def _in_order(
    manifest: dict[str, Any], paths: dict[str, str], packages: dict[str, dict[str, Any]], visited: set[str]
) -> Iterator[str]:
    """Yield the folders of what a package needs of its workspace, each after what it needs itself."""
    for field in DEPENDENCIES:
        for name, version in (manifest.get(field) or {}).items():
            # workspace:@acme/ui@* is @acme/ui under another name
            alias = str(version).removeprefix("workspace:").rpartition("@")[0]
            path = paths.get(alias) or paths.get(name)
            if path is not None and path not in visited:
                visited.add(path)
                yield from _in_order(packages[path], paths, packages, visited)
                yield path


def _named_files(manifest: dict[str, Any]) -> list[str]:
    """Return the files that a package names, without ./; index.js where it names none. A pattern ends before its *."""
    texts = [text for field in ENTRIES for text in _texts(manifest.get(field))]
    return [text.removeprefix("./").partition("*")[0].rstrip("/") or "." for text in texts] or ["index.js"]


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a field such as exports, whose objects and lists may be nested."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _exists(folder: Path, file: str) -> bool:
    return any((folder / f"{file}{suffix}").exists() for suffix in SUFFIXES)


def _outputs(root: Path, files: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Return the outermost folders, or files, with these files that git ignores, by the folder of their package."""
    pairs = [(path, file.split("/")) for path, names in files.items() for file in names]
    chains = [(path, ["/".join([path, *parts[: end + 1]]) for end in range(len(parts))]) for path, parts in pairs]
    candidates = {path for _, chain in chains for path in chain}
    ignored = git.ignored(root, candidates)
    if ignored is None:
        ignored = {path for path in candidates if path.endswith(f"/{OUTPUT}") and (root / path).is_dir()}
    outputs: dict[str, set[str]] = {path: set() for path in files}
    for path, chain in chains:  # from the outermost folder to the file
        outputs[path].update([part for part in chain if part in ignored][:1])
    return {path: tuple(sorted(names)) for path, names in outputs.items()}


def _orchestrator_builds_all(root: Path) -> bool:
    """Return True when turbo or nx builds what a package needs before the package."""
    names = ("turbo.json", "nx.json")
    return any('"^build"' in (root / name).read_text(errors="replace") for name in names if (root / name).is_file())
