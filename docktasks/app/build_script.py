"""Which script of package.json builds the site."""

from __future__ import annotations

import re

from docktasks.app import scripts
from docktasks.app.package import App
from docktasks.app.scripts import Command

BUILD = "build"
"""The script that builds the site in almost every repository."""

BUILDERS = {"vite", "vp", "astro", "nuxt", "nuxi", "react-router", "vitepress", "vite-ssg", "qwik", "vinxi"}
PACKAGERS = {
    "tauri", "electron-builder", "electron-forge", "electron-packager", "cap", "cargo",
    "gh-pages", "firebase", "vercel", "netlify", "wrangler", "surge",
}  # fmt: skip
"""Programs that make an app for a desktop or a phone of the site that another script builds, or that deploy it."""

NO_SITE = {"--watch", "-w", "--ssr"}
"""Options of `vite build` with which it does not end, or builds what a server runs."""

CALLED_SO = re.compile("build|bundle|compile|generate")
"""A part of the name of a script that only builds. One that is called deploy or preview does more."""

PRODUCTION = re.compile(r"(?:^|[\W_])(?:pro|prod|prd|production|release|live)(?:$|[\W_])")
"""A part of a script's name, or a mode of Vite."""


def build_script(app: App) -> str:
    """Return the name of the script that builds the site: `build`, or else the only one that does so for production.

    A script `build` that makes a desktop app is passed over where another one builds the site.
    """
    names = _names(app)
    return names[0] if len(names) == 1 else BUILD


def require(app: App) -> None:
    """Raise AppError for an app without a script that surely builds its site."""
    if build_script(app) in app.scripts:
        return
    names = _names(app)
    example = " ".join(app.package_manager.run(names[0])) if names else "vite build"
    raise app.missing_script(BUILD, example, f" These build a site: {', '.join(names)}." if names else "")


def notices(app: App) -> list[str]:
    """Return a notice for an app whose site another script than `build` builds."""
    name = build_script(app)
    return [] if name == BUILD else [f"The site is built by `{' '.join(app.package_manager.run(name))}`"]


def _names(app: App) -> list[str]:
    """Return the scripts of which one builds the site."""
    commands = {name: list(scripts.commands(app.scripts, name)) for name in app.scripts}
    of_build = commands.get(BUILD)
    if of_build is not None and (any(map(_builds, of_build)) or not _packages(of_build)):
        return [BUILD]
    names = [name for name, own in commands.items() if any(map(_builds, own)) and not _packages(own)]
    names = [name for name in names if CALLED_SO.search(name) and not name.startswith(("pre", "post"))]
    best = [name for name in names if _is_production(name, commands[name])]
    best = best or [name for name in names if not _modes(commands[name])]
    return best or names


def _builds(command: Command) -> bool:
    """Return True for a command that builds a site, such as `vite build`, and not for `vite build --watch`."""
    words = command.words[1:]
    is_build = BUILD in words or (command.program.startswith("nux") and "generate" in words)
    return command.program in BUILDERS and is_build and not NO_SITE & {word.partition("=")[0] for word in words}


def _packages(commands: list[Command]) -> bool:
    return any(command.program in PACKAGERS for command in commands)


def _is_production(name: str, commands: list[Command]) -> bool:
    """Return True for a script whose name or whose --mode says production."""
    return any(map(PRODUCTION.search, (name, *_modes(commands))))


def _modes(commands: list[Command]) -> list[str]:
    return re.findall(r"--mode[ =](\S+)", " ".join(word for command in commands for word in command.words))
