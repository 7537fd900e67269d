"""Vite's modes and the .env files that belong to them: https://vite.dev/guide/env-and-mode."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from docktasks.app.build_script import build_script
from docktasks.app.ignore_file import IgnoreFile
from docktasks.app.package import App
from docktasks.app.scripts import MANAGERS
from docktasks.errors import AppError

WITHOUT_FILE = ("", "production", "development")
"""Modes that Vite has of its own, and no mode."""

CONFIG = re.compile(r"(vite|astro|svelte|nuxt|vitest)\.config\.[cm]?[jt]s")
ENV_DIR = re.compile(r"\benvDir\b\s*:\s*(?:(['\"`])([^'\"`$]*)\1)?")
NAME = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*[=:]", re.MULTILINE)
EXAMPLE = re.compile(r"(?:^|[._-])(?:example|sample|template|dist)\b")
RUNNER = re.compile(rf"\b(?:{'|'.join(MANAGERS)}|run-[sp]|npm-run-all2?|concurrently|turbo|nx|wireit)\b")


def config_text(app: App) -> str:
    """Return the text of the app's configuration of Vite; of several files one after the other."""
    paths = sorted(path for path in app.folder.iterdir() if CONFIG.fullmatch(path.name))
    return "\n".join(path.read_text(encoding="utf-8-sig", errors="replace") for path in paths)


def folders(app: App) -> list[Path]:
    """Return the folders in which Vite looks for .env files; none where the configuration computes its envDir."""
    env_dirs = [match[2] for match in ENV_DIR.finditer(config_text(app))]
    return [app.folder / name for name in env_dirs if name is not None] if env_dirs else [app.folder]


def require_mode(app: App, mode: str) -> None:
    """Raise AppError when a mode has no .env file in the build, because that would go on with other values."""
    env_folders = folders(app)
    paths = [folder / f".env.{mode}" for folder in env_folders]
    if mode in WITHOUT_FILE or not env_folders or any(_is_sent(app, path) for path in paths):
        return
    local = paths[0].with_name(f".env.{mode}.local")
    reason = "Vite would go on without it."
    if paths[0].is_file():
        reason = f"{IgnoreFile.read(app.root).path} keeps it out of the build."
    elif local.is_file():
        reason = f"{local.name} is of this machine, and no build gets it."
    others = {_mode_of(app, path) for folder in env_folders for path in folder.glob(".env.*")}
    modes = sorted(others - {""})
    choice = f", or choose a mode that has one: {', '.join(modes)}" if modes else ""
    raise AppError(
        f"build.mode is {mode!r}, but the build has no file {paths[0]}.",
        f"{reason} Nothing was built.",
        f"Add the file (it may be empty){choice}",
    )


def build_scripts(app: App) -> str:
    """Return the text of the script that builds the site, and of those that it runs."""
    scripts = app.scripts
    script = build_script(app)
    texts, names = [], [script, f"pre{script}", f"post{script}"]
    for name in names:
        text = scripts.get(name, "")
        texts.append(text)
        if RUNNER.search(text):
            words = set(re.split(r"[\s'\"]+", text))
            names += [other for other in scripts if other in words and other not in names]
    return "\n".join(texts)


def modes_of(app: App, mode: str) -> set[str]:
    """Return the modes of the build: `mode`, else those that the script `build` names, else production."""
    named = re.findall(r"--mode[ =]['\"]?([\w.-]+)", build_scripts(app))
    return {mode} if mode else set(named) or {"production"}


def variables(app: App, mode: str) -> tuple[set[str], dict[str, str]]:
    """Return the names that .env files of the build set, and the names, with the file, that others set."""
    sent: set[str] = set()
    kept_out: dict[str, str] = {}
    suffixes = ["", *(f".{mode}" for mode in sorted(modes_of(app, mode)))]
    env_folders = folders(app) or [path.parent for path in app.folder.glob("*/.env*")]
    file_names = [f".env{suffix}{end}" for suffix in suffixes for end in ("", ".local")]
    for path in (folder / name for folder in env_folders for name in file_names):
        names = _names_in(path) if path.is_file() else set()
        if _is_sent(app, path):
            sent.update(names)
        else:
            ignore_file = IgnoreFile.of(app).path if path.suffix != ".local" else None
            kept_out |= dict.fromkeys(
                names, f"{path.name}, because {ignore_file.name} names it" if ignore_file else path.name
            )
    return sent, kept_out


def example(app: App, names: Iterable[str]) -> Path | None:
    """Return the file, such as .env.example, with some of these variables that the .env of a build lacks; or None."""
    env = app.folder / ".env"
    if IgnoreFile.of(app).ignores(str(env.relative_to(app.root))):
        return None
    lacked = set(names) - _names_in(env) if env.is_file() else set(names)
    paths = sorted(path for path in app.folder.glob("*env*") if EXAMPLE.search(path.name) and path.is_file())
    return next((path for path in paths if lacked & _names_in(path)), None)


def _names_in(path: Path) -> set[str]:
    return {*NAME.findall(path.read_text(encoding="utf-8-sig", errors="replace"))}


def _is_sent(app: App, path: Path) -> bool:
    """Return True for a file that a build gets: no file of this machine, and none that the owner keeps out."""
    try:
        name = path.resolve().relative_to(app.root.resolve())
    except ValueError:
        return False
    return path.is_file() and path.suffix != ".local" and not IgnoreFile.of(app).ignores(str(name))


def _mode_of(app: App, path: Path) -> str:
    mode = path.name.removeprefix(".env.")
    return mode if mode not in ("example", "sample", "template") and _is_sent(app, path) else ""
