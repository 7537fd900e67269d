"""Which script of package.json builds the site."""

from __future__ import annotations

import re
import shlex

from docktasks.app import scripts
from docktasks.app.package import App
from docktasks.app.scripts import Command

BUILD = "build"
"""The script that builds the site in almost every repository."""

BUILDERS: list[str] = scripts.PROGRAMS["builders"]
PACKAGERS: list[str] = scripts.PROGRAMS["packagers"]
"""Programs that make an app for a desktop or a phone of the site that another script builds, or that deploy it."""

NO_SITE = {"--watch", "-w", "--ssr"}
"""Options of `vite build` with which it does not end, or builds what a server runs."""

NO_LIST = re.compile(r"[;|\n]|(?<!&)&(?!&)")
"""What joins commands otherwise than `&&`."""

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


def build_command(app: App) -> tuple[str, ...]:
    """Return the command that builds the site: the script, or its beginning where all that follows packages or deploys.

    A script of which any other part might write into the site runs whole.
    """
    text = _beginning(app)
    return app.shell_command(text) if text else app.run(build_script(app))


def shown_command(app: App) -> str:
    """Return build_command() for a reader, without what a shell needs to find the programs."""
    name = build_script(app)
    return _beginning(app) or app.implied_scripts.get(name) or shlex.join(app.package_manager.run(name))


def _beginning(app: App) -> str:
    """Return the commands of the script that build the site; an empty text if the script runs whole."""
    name = build_script(app)
    text = app.scripts.get(name, "")
    parts = [part.strip() for part in text.split("&&")]
    commands = [list(scripts.commands({**app.scripts, "": part}, "")) for part in parts]
    end = len(parts)
    while end and commands[end - 1] and all(map(_packages, commands[end - 1])):
        end -= 1
    is_list = not NO_LIST.search(text) and all(map(_is_whole, parts)) and f"post{name}" not in app.scripts
    if end == len(parts) or not is_list or not any(_builds(command) for own in commands[:end] for command in own):
        return ""
    # Yarn 2 and later run no script before another.
    has_before = f"pre{name}" in app.scripts and not app.package_manager.package.startswith("@yarnpkg/")
    before = [" ".join(app.run(f"pre{name}"))] if has_before else []
    return " && ".join([*before, *parts[:end]])


def require(app: App) -> None:
    """Raise AppError for an app without a script that surely builds its site."""
    if build_script(app) in app.scripts:
        return
    names = _names(app)
    example = " ".join(app.package_manager.run(names[0])) if names else "vite build"
    raise app.missing_script(BUILD, example, f" These build a site: {', '.join(names)}." if names else "")


def notices(app: App) -> list[str]:
    """Return a notice for an app whose site another command than the script `build` builds."""
    command = shown_command(app)
    return [] if command == shlex.join(app.package_manager.run(BUILD)) else [f"The site is built by `{command}`"]


def _names(app: App) -> list[str]:
    """Return the scripts of which one builds the site."""
    commands = {name: list(scripts.commands(app.scripts, name)) for name in app.scripts}
    of_build = commands.get(BUILD)
    if of_build is not None and (any(map(_builds, of_build)) or not any(map(_packages, of_build))):
        return [BUILD]
    names = [name for name, own in commands.items() if any(map(_builds, own)) and not any(map(_packages, own))]
    names = [name for name in names if CALLED_SO.search(name) and not name.startswith(("pre", "post"))]
    best = [name for name in names if _is_production(name, commands[name])]
    best = best or [name for name in names if not _modes(commands[name])]
    return best or names


def _builds(command: Command) -> bool:
    """Return True for a command that builds a site, such as `vite build`, and not for `vite build --watch`."""
    words = command.words[1:]
    is_build = BUILD in words or (command.program.startswith("nux") and "generate" in words)
    return command.program in BUILDERS and is_build and not NO_SITE & {word.partition("=")[0] for word in words}


def _packages(command: Command) -> bool:
    """Return True for a command that packages or deploys. `wrangler types` only writes types for the source."""
    return command.program in PACKAGERS and command.words[1:2] != ("types",)


def _is_whole(part: str) -> bool:
    """Return True for a part of a script whose quotes and parentheses end in it."""
    try:
        shlex.split(part)
    except ValueError:
        return False
    return part.count("(") == part.count(")")


def _is_production(name: str, commands: list[Command]) -> bool:
    """Return True for a script whose name or whose --mode says production."""
    return any(map(PRODUCTION.search, (name, *_modes(commands))))


def _modes(commands: list[Command]) -> list[str]:
    return re.findall(r"--mode[ =](\S+)", " ".join(word for command in commands for word in command.words))
