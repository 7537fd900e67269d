"""Tools that run in the dev image: the package manager, the app's tests, a shell."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.containers import app_mount, networks, startup
from docktasks.containers.run_args import remove_args
from docktasks.dev import environment
from docktasks.dev.environment import DevEnvironment, PendingLookups
from docktasks.dev.run_args import DevRunSpec, fill_args, tool_args
from docktasks.dev.server import STOPPED_EXIT_CODES
from docktasks.errors import StartError
from docktasks.images import build_context
from docktasks.labels import LABEL
from docktasks.roles import DEV

STORE_PATH = "/var/cache/npm"
PNPM_SETTINGS = {
    # Only package.json and the lock file are written: pnpm refuses node_modules that another user installed.
    "lockfile_only": "true",
    # Else pnpm makes a store in the checkout. It must be where node/install.sh has it, or pnpm refuses it.
    "store_dir": f"{STORE_PATH}/pnpm",
    # package.json may name another version than the image has.
    "manage_package_manager_versions": "false",
}

Attach = Callable[[list[str], Callable[[], object]], int]
"""Runs a command on this terminal and returns its exit code. When it is interrupted, it calls its second argument."""


@dataclass(frozen=True)
class Tool:
    """A command that runs a tool in a container of its own, which is called `container`.

    One that `runs_until_stopped`, such as `vitest --watch`, is stopped by the user, and that is no failure.
    """

    args: list[str]
    container: str
    runs_until_stopped: bool = False


def run_attached(project: Project, attach: Attach, tool: Tool) -> int:
    """Run a tool on this terminal and return its exit code. Its container is removed even if the terminal closes."""
    networks.ensure(project, DEV)
    try:
        with waiting.terminate_as_interrupt():
            code = attach(tool.args, lambda: project.run(remove_args(tool.container), quiet=True))
    except KeyboardInterrupt:
        if tool.runs_until_stopped:
            return 0
        raise
    finally:
        networks.remove_unused(project, DEV)
    return 0 if tool.runs_until_stopped and code in STOPPED_EXIT_CODES else code


def package_manager(project: Project, arguments: list[str]) -> Tool:
    """Return the tool that runs the app's package manager as the checkout's owner.

    It runs in the image that is there, because a new one cannot be built while package.json and lock file disagree.
    Where none has this manager, one is built without the app's packages. What it installs is removed with its
    container. Raises AppError, or BuildError when the manager cannot be installed.
    """
    settings, name = project.settings, project.app.package_manager.name
    if not project.dry:
        app_mount.make_mountpoint(settings.app_dir)
    tag = settings.image("dev")
    image = project.engine.image(tag) if tag in project.engine.image_ids else None
    if image is None or image.labels.get(f"{LABEL}.manager", "") != project.app.package_manager.package:
        with project.lock():
            environment.build(project, replace(DEV, target="manager"))
    run_spec = DevRunSpec(
        volume="",
        user=app_mount.user_for(project.engine, settings.app_dir),
        command=(name, *arguments),
        docker_options=_pnpm_options() if name == "pnpm" else (),
    )
    return _tool(project, "npm", run_spec, build_context.ca_file(settings))


def _pnpm_options() -> tuple[str, ...]:
    # pnpm reads npm_config_*, and since version 11 pnpm_config_*: https://pnpm.io/settings
    options = ["--mount", f"type=tmpfs,target={STORE_PATH}"]
    for name, value in PNPM_SETTINGS.items():
        options += ["--env", f"npm_config_{name}={value}", "--env", f"pnpm_config_{name}={value}"]
    return tuple(options)


def tests(project: Project, arguments: list[str], *, watch: bool) -> Tool:
    """Return the tool that runs the app's script `test` with the node_modules of the dev server.

    Raises AppError for an app without that script, BuildError, or StartError when the volume cannot be filled.
    """
    script = project.app.first_script("test")
    command = project.app.package_manager.run(script, *(["--watch"] if watch else []), *arguments)
    with project.lock():
        dev_environment = environment.prepare(project, PendingLookups(project), command)
        if dev_environment.volume.is_new:
            _fill(project, dev_environment)
    return _tool(project, "test", dev_environment.run_spec, runs_until_stopped=watch)


def _fill(project: Project, dev_environment: DevEnvironment) -> None:
    """Fill the new volume while the lock is held. The next task would take its marker for an interrupted start's."""
    result = project.run(fill_args(project.settings, dev_environment.run_spec), quiet=True)
    if not result.ok:
        raise StartError(
            "The volume for node_modules could not be filled.",
            "The tests need the dependencies, which Docker copies from the dev image into the volume.",
            "Correct what Docker reports, then try again",
            evidence=result.tail(4),
        )
    dev_environment.volume.mark_filled()
    project.progress("filled the volume for node_modules")


def _tool(
    project: Project, kind: str, run_spec: DevRunSpec, ca_file: str = "", *, runs_until_stopped: bool = False
) -> Tool:
    """Return a tool whose container has a name of its own, which contains `kind`."""
    container = f"{project.settings.container('dev')}-{kind}-{secrets.token_hex(2)}"
    args = tool_args(project.settings, container, run_spec, ca_file, terminal=_has_terminal())
    return Tool(args, container, runs_until_stopped)


def shell_args(project: Project) -> list[str]:
    """Return the command that opens a shell in the running dev container. Raises StartError when it is not running."""
    container = startup.own_container(project, "dev")
    name = project.settings.container("dev")
    if not project.dry and (container is None or container.state != "running"):
        raise StartError(
            f"Container {name} is not running.", "invoke shell opens a shell in it.", "Start it first: invoke dev"
        )
    return ["docker", "container", "exec", "--interactive", *(["--tty"] if _has_terminal() else []), name, "sh"]


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
