"""Which script of package.json starts the dev server, and how the server gets its address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from docktasks.app import scripts
from docktasks.app.package import App
from docktasks.app.scripts import Command
from docktasks.errors import AppError
from docktasks.images.own_files import own_file
from docktasks.roles import DEV

NAMES = ("serve", "dev", "start", "develop")
"""The scripts that may start a dev server, the handbook's first."""

ADDRESS = ("--host", "0.0.0.0", "--port", str(DEV.container_port), "--strictPort")  # noqa: S104 - in the container
"""The arguments of the dev server. With --strictPort Vite takes no other port, which would not be published."""

OTHER_ADDRESS = {"slidev": ("--remote", "--port", str(DEV.container_port))}
"""The arguments of servers that refuse Vite's: https://sli.dev/builtin/cli. It listens on every address."""

ADDRESS_OPTION = re.compile(r"(--host|--port|-p)(=.*)?")
"""An option with an address of the script's own. Vite takes the last of two; VitePress and others take both."""

DEV_WORDS: dict[str, list[str]] = scripts.PROGRAMS["dev servers"]
"""The programs whose dev server is Vite's, with the words that start it."""

OTHER_WORDS = {"build", "preview", "optimize", "check", "generate", "typegen", "init", "prepare"}
"""Words with which these programs do something else. Any other word is a folder, as in `vite web`."""

VALUE_OPTIONS = {"--mode", "-m", "--config", "-c", "--base", "--port", "--host", "--logLevel", "-l"}
"""Options of these programs whose value is the next word."""

PASSES_NOTHING_ON = {*scripts.PROGRAMS["pass nothing on"], *scripts.MANAGERS}
"""Programs that start others and refuse, or keep, the arguments of these."""

STATIC_SERVERS: list[str] = scripts.PROGRAMS["static servers"]
NO_SERVERS: list[str] = scripts.PROGRAMS["no servers"]
"""Programs that start no server, or only one for files as they are."""

DEV_SERVER, UNKNOWN, STATIC, NO_SERVER, MISSING = "dev server", "unknown", "static", "no server", "missing"
"""What a command starts, the best first."""

REASONS = {
    STATIC: "`{0}` serves files as they were built, so an edit would not arrive.",
    NO_SERVER: "`{0}` starts no server.",
    MISSING: "there is no {0}.",
}


@dataclass(frozen=True)
class DevCommand:
    """The command of the dev container; empty where that is the image's own.

    `needs_preload` is True where the arguments of the script do not surely reach the server.
    """

    args: tuple[str, ...] = ()
    needs_preload: bool = False


def dev_command(app: App) -> DevCommand:
    """Return the command that starts the app's dev server on its address. Raises AppError when no script does.

    A server that the script itself starts gets the address as arguments, which a reader sees. One behind other scripts
    or programs gets it from preload.cjs.
    """
    name, command = _dev_script(app)
    is_server = _kind(command) == DEV_SERVER
    has_address = any(ADDRESS_OPTION.fullmatch(word) for word in command.words)
    has_other_address = is_server and has_address and command.program != "vite"
    needs_preload = not (is_server and command.is_last) or has_other_address
    if not command.is_last or has_other_address or command.program in PASSES_NOTHING_ON:
        return DevCommand(app.run(name), needs_preload)
    address = OTHER_ADDRESS.get(command.program, ADDRESS)
    is_plain = name == "serve" and app.package_manager.name == "npm" and address is ADDRESS
    is_own = is_plain and not own_file(app.root, DEV.dockerfile)
    return DevCommand(() if is_own else app.run(name, *address), needs_preload)


def _dev_script(app: App) -> tuple[str, Command]:
    """Return the name of the script, and its command that starts the server. Raises AppError."""
    texts = app.scripts
    others = [name for name in texts if name not in NAMES and not name.startswith(("pre", "post", "test"))]
    starts = {name: list(scripts.commands(texts, name)) for name in (*NAMES, *others) if name in texts}
    for kind, names in ((DEV_SERVER, starts), (UNKNOWN, [name for name in NAMES if name in starts])):
        for name in names:
            command = next((command for command in starts[name] if _kind(command) == kind), None)
            if command:
                return name, command
    raise _no_server_error(app, {name: starts[name] for name in NAMES if starts.get(name)})


def _kind(command: Command) -> str:
    program, arguments = command.program, list(command.words[1:])
    if program == "node" and any(word.endswith("vite/bin/vite.js") for word in arguments):
        program, arguments = "vite", arguments[1:]
    words = [word for before, word in pairwise(["", *arguments]) if word[:1] != "-" and before not in VALUE_OPTIONS]
    word = words[0] if words else ""
    if program == "vp" and word in ("run", "exec"):
        return UNKNOWN
    if program in DEV_WORDS:
        is_folder = "" in DEV_WORDS[program] and word not in OTHER_WORDS
        if word in DEV_WORDS[program] or is_folder:
            return DEV_SERVER
        return STATIC if word == "preview" else NO_SERVER
    kinds = {scripts.MISSING: MISSING} | dict.fromkeys(NO_SERVERS, NO_SERVER) | dict.fromkeys(STATIC_SERVERS, STATIC)
    return kinds.get(program, UNKNOWN)


def _no_server_error(app: App, starts: dict[str, Sequence[Command]]) -> AppError:
    """Return the error for an app without a script that starts a dev server, which says what its scripts do."""
    reasons = []
    for name, commands in starts.items():
        kind = next(kind for kind in (STATIC, MISSING, NO_SERVER) if kind in map(_kind, commands))
        command = next(command for command in commands if _kind(command) == kind)
        reasons.append(f"Script {name}: {REASONS[kind].format(' '.join(command.words))}")
    return AppError(
        f"{app.folder / 'package.json'} has no script that starts a dev server.",
        " ".join(reasons) or f"invoke dev runs the script {', '.join(NAMES[:2])} or {NAMES[2]}.",
        'Add one, for example "dev": "vite"',
    )
