"""Vite's modes and the .env files that belong to them: https://vite.dev/guide/env-and-mode."""

from __future__ import annotations

import re
from pathlib import Path

from docktasks.app.package import App
from docktasks.errors import AppError

WITHOUT_FILE = ("", "production", "development")
"""Modes that Vite has of its own, and no mode."""

CONFIG = re.compile(r"(vite|astro|svelte|nuxt|vitest)\.config\.[cm]?[jt]s")
ENV_DIR = re.compile(r"\benvDir\b\s*:\s*(?:(['\"`])([^'\"`$]*)\1)?")


def config_text(app: App) -> str:
    """Return the text of the app's configuration of Vite; of several files one after the other."""
    paths = sorted(path for path in app.folder.iterdir() if CONFIG.fullmatch(path.name))
    return "\n".join(path.read_text(encoding="utf-8-sig", errors="replace") for path in paths)


def folders(app: App) -> list[Path]:
    """Return the folders in which Vite looks for .env files; none where the configuration computes its envDir."""
    env_dirs = [match[2] for match in ENV_DIR.finditer(config_text(app))]
    return [app.folder / name for name in env_dirs if name is not None] if env_dirs else [app.folder]


def require_mode(app: App, mode: str) -> None:
    """Raise AppError when a mode has no .env file, because the build would go on with other values."""
    names, places = (f".env.{mode}", f".env.{mode}.local"), folders(app)
    if mode in WITHOUT_FILE or not places or any((folder / names[0]).is_file() for folder in places):
        return
    others = sorted({path.name for folder in places for path in folder.glob(".env.*")} - {*names, ".env.local"})
    modes = [name.removeprefix(".env.") for name in others if not name.endswith((".local", ".example", ".sample"))]
    is_local = any((folder / names[1]).is_file() for folder in places)
    choice = f", or choose a mode that has one: {', '.join(modes)}" if modes else ""
    reason = f"{names[1]} is of this machine, and no build gets it." if is_local else "Vite would go on without it."
    raise AppError(
        f"build.mode is {mode!r}, but {places[0]} has no file {names[0]}.",
        f"{reason} Nothing was built.",
        f"Add the file (it may be empty){choice}",
    )
