"""A repository that is not a checkout of this project: its folder, the Vite app in it, and a name for the project."""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from docktasks import command_names, workspace
from docktasks.app import workspaces
from docktasks.app.manifest import MANIFEST, entries, read_manifest
from docktasks.errors import AppError
from docktasks.labels import LABEL
from docktasks.resources import DEFAULTS

MAX_DEPTH = 4
"""How many folders below the repository's an app is looked for."""
MAX_NAMED = 5
"""How many apps an error names."""
MAX_NAME_CHARS = 33
"""Of a name that is made here. With a suffix it has the 40 that app.name may have (settings.py)."""


def root_from(folder: Path) -> Path:
    """Return the nearest folder with a package.json or an invoke.yaml, up to the repository's own; else this one."""
    folders = [folder, *workspaces.parents(folder)]
    if not (folders[-1] / ".git").exists():
        return folder
    return next((path for path in folders if (path / MANIFEST).is_file() or (path / DEFAULTS).is_file()), folder)


def find_app(root: Path, dist: str) -> str:
    """Return the path of the Vite app from `root`, which may be the app itself. Raises AppError. `dist` is app.dist."""
    has_manifest, is_workspace = (root / MANIFEST).is_file(), bool(workspaces.patterns_of(root))
    if has_manifest and (workspaces.has_page(root) or (workspaces.has_config(root) and not is_workspace)):
        return "."
    apps = workspaces.apps_of(root) if is_workspace else workspaces.apps_among(root, _app_folders(root))
    apps = _named_by_scripts(root, apps) or apps
    if len(apps) == 1 and not dist.startswith(f"{apps[0]}/"):
        return apps[0]
    if has_manifest and (not apps or any(dist.startswith(f"{app}/") for app in apps)):
        return "."
    if not apps:
        workspaces.refuse_deno(root, {})
    app = apps[0] if apps else "path/to/app"
    flag = f"--app={app}, " if command_names.program().endswith(LABEL) else ""
    ways = f"{flag}INVOKE_APP_DIR={app}, or app.dir in {DEFAULTS}"
    if apps:
        names = ", ".join(apps[:MAX_NAMED]) + (f", and {len(apps) - MAX_NAMED} more" if apps[MAX_NAMED:] else "")
        raise AppError(f"{root} has {len(apps)} Vite apps: {names}.", "A task is for one of them.", f"Name one: {ways}")
    what = f"There is no Vite app in {root}."
    raise AppError(what, "An app has a package.json, and an index.html or a configuration of Vite.", f"Name it: {ways}")


def _named_by_scripts(root: Path, apps: list[str]) -> list[str]:
    """Return the one of several apps that the root's scripts for it name, by its path or package; else none."""
    scripts = entries(read_manifest(root), "scripts") if (root / MANIFEST).is_file() and len(apps) > 1 else {}
    words = {word for name in ("dev", "start", "build") for word in re.split(r"[\s'\"=]+", str(scripts.get(name, "")))}
    named = [app for app in apps if words & {app, f"./{app}", _package_name(root / app)} - {""}]
    return named if len(named) == 1 else []


def _app_folders(root: Path) -> Iterator[str]:
    for text, folders, files in os.walk(root):
        folder = Path(text)
        is_app = folder != root and MANIFEST in files and (workspaces.has_page(folder) or workspaces.has_config(folder))
        if is_app:
            yield folder.relative_to(root).as_posix()
        if is_app or len(folder.relative_to(root).parts) >= MAX_DEPTH:
            folders.clear()
        folders[:] = sorted(name for name in folders if name not in workspaces.NOT_SOURCE and not name.startswith("."))


def project_name(app_dir: Path, *, dry: bool) -> tuple[str, str]:
    """Return the name for the project of an app, and a notice where it differs from that of its package.

    It is the package's name, else the folder's. Where an app in another folder has it, it gets a suffix. The user's
    folder for states keeps who has which, so that the cache can be removed. With `dry` nothing is written.
    """
    name = _docker_name(_package_name(app_dir)) or _docker_name(app_dir.name) or "app"
    own = name + _suffix(app_dir)
    with workspace.user_state("projects.json") as path:
        folders: dict[str, str] = workspace.read_cached(path)
        known = next((key for key in (name, own) if folders.get(key) == str(app_dir)), "")
        owner = folders.get(name, "")
        chosen = known or (own if (Path(owner) / MANIFEST).is_file() and owner else name)
        if not (known or dry):
            path.write_text(json.dumps({**folders, chosen: str(app_dir)}, indent=2), encoding="utf-8")
    notice = f"The project {name} is the app in {owner}, so this one is called {own}."
    return chosen, notice if chosen == own and not known else ""


def shared_name(name: str, app_dir: Path) -> str:
    """Return the name of a project without the suffix that it has on this machine, for a file that others read, too."""
    return name.removesuffix(_suffix(app_dir))


def _suffix(app_dir: Path) -> str:
    return f"-{hashlib.sha256(str(app_dir).encode()).hexdigest()[:6]}"


def _package_name(app_dir: Path) -> str:
    try:
        return str(read_manifest(app_dir).get("name") or "")
    except (AppError, OSError):  # App.load reports it
        return ""


def _docker_name(text: str) -> str:
    """Return a text as a name of images and containers, such as a-b for @a/b; empty where nothing of it can be used."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_NAME_CHARS].rstrip("-")
