"""What is run beside the dev server in its image: the package manager, the app's tests, a shell."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.commands import Run
from docktasks.containers import app_mount, startup
from docktasks.containers import run_args as containers_run_args
from docktasks.dev import run_args as dev_run_args
from docktasks.dev import server
from docktasks.dev.foreground import STOPPED_EXIT_CODES
from docktasks.dev.run_args import DevRun
from docktasks.errors import StartError
from docktasks.images import build_context
from docktasks.settings import Settings

STORE = "/var/cache/npm"
PNPM = {"lockfile_only": "true", "store_dir": f"{STORE}/pnpm", "manage_package_manager_versions": "false"}
"""Settings that have pnpm write package.json and the lock file alone, for it cannot work on node_modules that another
user installed; no store into the checkout, but where node/install.sh has it, since it refuses another place; and that
have it work where package.json names another version by now."""

Attach = Callable[[list[str], Callable[[], object]], int]
"""Runs a command on this terminal; its exit code. Where it is interrupted, what it is given ends the command."""


@dataclass(frozen=True)
class Tool:
    """What runs in a container of its own: the command, and the container's name.

    One that is `endless` goes on until somebody stops it, and that is no failure.
    """

    args: list[str]
    name: str
    endless: bool = False


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _name(settings: Settings, what: str) -> str:
    return f"{settings.container('dev')}-{what}-{secrets.token_hex(2)}"


def _pnpm_args() -> tuple[str, ...]:
    """Docker's options for these; the second prefix is that of pnpm 11 and later (https://pnpm.io/settings)."""
    names = [(f"{prefix}_config_{name}", value) for name, value in PNPM.items() for prefix in ("npm", "pnpm")]
    mount = ("--mount", f"type=tmpfs,target={STORE}")
    return mount + tuple(arg for name, value in names for arg in ("--env", f"{name}={value}"))


def attended(run: Run, attach: Attach, tool: Tool) -> int:
    """Run a tool on this terminal; its exit code. However it ends, also by a closed terminal, its container is gone."""
    try:
        with waiting.terminate_as_interrupt():
            code = attach(tool.args, lambda: run(containers_run_args.remove_args(tool.name), quiet=True))
    except KeyboardInterrupt:
        if tool.endless:
            return 0
        raise
    return 0 if tool.endless and code in STOPPED_EXIT_CODES else code


def manage(project: Project, words: list[str]) -> Tool:
    """What runs the app's package manager as the checkout's owner: it writes package.json and lock file.

    In the image that was built last, for a new one would not come to be while these two are out of step; and with
    node_modules that go with the container, since those of the dev server belong to another lock file.
    """
    if project.settings.image("dev") not in project.engine.image_ids:
        with project.lock():
            server.build(project)
    whole = project.dry or app_mount.make_mountpoint(project.settings.app_dir)
    given = DevRun("", app_mount.user_for(project.engine, project.settings.app_dir), whole=whole)
    used, name = project.app.package_manager, _name(project.settings, "npm")
    command = replace(given.runs(used.name, *words), options=_pnpm_args() if used.name == "pnpm" else ())
    return Tool(
        dev_run_args.tool_args(
            project.settings, name, command, build_context.ca_file(project.settings), terminal=_terminal()
        ),
        name,
    )


def tests(project: Project, words: list[str], *, watch: bool) -> Tool:
    """What runs the app's script `test`, with the modules of the dev server."""
    script = project.app.first_script("test")
    words = [*(["--watch"] if watch else []), *words]
    with project.lock():
        ready = server.prepare(project, server.PendingLookups(project))
        if ready.volume.fresh:  # now, for who takes the lock next would take it for half filled
            _fill(project, ready)
    command, name = (
        ready.given.runs(*project.app.package_manager.run(script, *words)),
        _name(project.settings, "test"),
    )
    args = dev_run_args.tool_args(project.settings, name, command, "", terminal=_terminal())
    return Tool(args, name, endless=watch)


def _fill(project: Project, ready: server.DevEnvironment) -> None:
    result = project.run(dev_run_args.fill_args(project.settings, ready.given), quiet=True)
    if not result.ok:
        raise StartError(
            "The volume for node_modules could not be filled.",
            "The tests run with the dev server's modules, which come from its image.",
            "Mend what Docker says above",
            evidence=result.tail(4),
        )
    ready.volume.filled()


def shell(project: Project) -> list[str]:
    """The command that opens a shell in the running dev container. Raises StartError when none runs."""
    name = project.settings.container("dev")
    found = startup.own_container(project, "dev")
    if not project.dry and (found is None or found.state != "running"):
        raise StartError(f"Container {name} does not run.", "The shell is one in it.", "Start it first: invoke dev")
    return ["docker", "container", "exec", "--interactive", *(["--tty"] if _terminal() else []), name, "sh"]
