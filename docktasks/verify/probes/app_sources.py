"""The files of the app of which Vite makes the page and its modules: one of each kind, for an edit."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path

from docktasks.errors import Skip
from docktasks.verify.probes import app_files
from docktasks.verify.probes.vite_client import SCRIPT, ViteClient

STYLE_SUFFIXES = (".css", ".scss", ".less", *app_files.COMPONENT_SUFFIXES)
"""Files with a style, the simplest first; a component only if it has one."""
TRANSLATED_SUFFIXES = (".ts", ".mts", ".jsx", ".tsx")
SCRIPT_SUFFIXES = (".js", ".mjs", *TRANSLATED_SUFFIXES)
DATA_SUFFIXES = (".json", *app_files.COMMENTED_SUFFIXES)
"""Files of which Vite makes a module at another address, with a query."""
NO_ROOTS = {"node_modules", "dist", "build", "public", "static", "coverage", "docs"}
EVALUATED = re.compile(r"\.\w+\.[cm]?[jt]sx?$")
"""Matches a script such as theme.css.ts, which a plugin may run in order to serve what it gives."""
QUERY = re.compile(rf"(\.json)\?import$|({'|'.join(map(re.escape, app_files.COMMENTED_SUFFIXES))})\?(?:import&)?raw$")
WORKER = re.compile(r"(\.[mc]?[jt]sx?)\?worker_file\b.*$")
"""Match the end of an address at which a module has the content of its file, and not only the file's address."""


def find_sources(
    vite: ViteClient, app_dir: Path, suffixes: tuple[str, ...], loaded: Container[str] | None = None
) -> list[tuple[str, Path]]:
    """A module of each kind that Vite can serve: its path on the server and its file. Raises Skip without any.

    A suffix is a kind, and a script of a worker is another one. They are in the order of the suffixes, a component has
    a style, and a text is imported as it is. Each is the last of its kind, because an edit of the first reloads the
    page, as one of a CSS module may, of which a script uses the names. A page may import a module only later: where
    `loaded` has the paths that a browser has loaded, they are of these.
    """
    roots = _roots(app_dir)
    plain = {path: WORKER.sub(r"\1", QUERY.sub(r"\1\2", path)) for path in list(vite.modules())}
    names = {path: name.removeprefix(vite.base).lstrip("/") for path, name in plain.items()}
    files = {path: next(filter(Path.is_file, (root / name for root in roots)), app_dir) for path, name in names.items()}
    modules = {
        (file.suffix, bool(WORKER.search(path))): (path, file)
        for path, file in sorted(files.items(), key=lambda item: ".module." not in item[0])
        if file.suffix in suffixes and (loaded is None or path in loaded) and path not in vite.errors and file.is_file()
        if "/." not in path and app_files.place_of_mark(file) is not None
        if WORKER.search(path) or not EVALUATED.search(file.name)
        # A plugin may make a page of a text. Of package.json more depends.
        if file.suffix not in app_files.COMMENTED_SUFFIXES or QUERY.search(path)
        if file.suffix not in DATA_SUFFIXES or file.parent not in roots
    }
    if not modules:
        raise Skip(f"the page loads no file of the app that ends in {' or '.join(suffixes)}")
    return [source for suffix in suffixes for kind, source in modules.items() if kind[0] == suffix]


def unmapped(vite: ViteClient, sources: list[tuple[str, Path]]) -> list[str]:
    """Lines about the scripts that the server translates, and that come without the map of a debugger."""
    scripts = [path for path, file in sources if file.suffix in TRANSLATED_SUFFIXES]
    return [
        f"{path}: no source map. Which plugin returns code without one?"
        for path in scripts
        if "//# sourceMappingURL=" not in vite.module(path)
    ]


def page_source(vite: ViteClient, app_dir: Path) -> list[tuple[str, Path]]:
    """The path of the page and the file of which Vite makes it: one that names the same scripts. Empty without one."""
    for file in (root / "index.html" for root in _roots(app_dir)):
        scripts = SCRIPT.findall(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else []
        if scripts and all(script.removeprefix(".") in vite.page for script in scripts):
            return [(vite.base, file)]
    return []


def _roots(app_dir: Path) -> list[Path]:
    """The app's folder. Vite's root may be another one with a page, which the app's own then lacks."""
    # https://vite.dev/config/shared-options#root
    return [app_dir] if (app_dir / "index.html").exists() else [app_dir, *_folders_with_page(app_dir)]


def _folders_with_page(app_dir: Path) -> list[Path]:
    """The folders in an app that may be Vite's root: those with a page, which no build and no script has written."""
    pages = (page.relative_to(app_dir) for depth in ("*", "*/*") for page in app_dir.glob(f"{depth}/index.html"))
    roots = [page.parent for page in pages if not any(name in NO_ROOTS or name[0] == "." for name in page.parts)]
    return [app_dir / root for root in sorted(roots, key=lambda root: (len(root.parts), root))]
