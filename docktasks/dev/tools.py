"""Tools that run in the dev image: the package manager, the app's tests, a shell."""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import replace

from docktasks import waiting
from docktasks.app import inputs
from docktasks.app.project import Project
from docktasks.containers import app_mount, networks, startup
from docktasks.containers.run_args import remove_args
from docktasks.dev import environment
from docktasks.dev.dev_script import DevCommand
from docktasks.dev.run_args import DOWNLOADS_PATH, DevRunSpec, downloads_args, pnp_args, tool_args
from docktasks.dev.server import KILLED_EXIT_CODE, STOPPED_EXIT_CODES
from docktasks.errors import StartError
from docktasks.images import build_context
from docktasks.labels import LABEL
from docktasks.roles import DEV

PNPM_SETTINGS = {
    # Only package.json and the lock file are written: pnpm refuses node_modules that another user installed.
    "lockfile_only": "true",
    # Else pnpm makes a store in the checkout. It must be where node/install.sh has it, or pnpm refuses it.
    "store_dir": f"{DOWNLOADS_PATH}/pnpm",
    # package.json may name another version than the image has.
    "manage_package_manager_versions": "false",
}


def run_package_manager(project: Project, arguments: list[str]) -> int:
    """Run the app's package manager as the checkout's owner, and return its exit code.

    It runs in the image that is there, if that has this manager.
    What it installs is removed with its container. Raises AppError, or BuildError when the manager cannot be installed.
    """
    settings, name = project.settings, project.app.package_manager.name
    inputs.require(settings, os.environ)
    checkout = app_mount.Checkout.of(project.app)
    if not project.dry:
        app_mount.make_mountpoints(checkout)
    image = None if project.dry else project.engine.image(settings.image("dev"))
    if image is None or image.labels.get(f"{LABEL}.manager", "") != project.app.package_manager.package:
        with project.lock():
            environment.build(project)
    user = app_mount.user_for(project.engine, settings.app_dir)
    run_spec = DevRunSpec(
        checkout,
        volume="",
        user=user,
        command=(name, *arguments),
        docker_options=(*downloads_args(user), *_cache_options(name)),
    )
    return _run(project, "npm", run_spec, build_context.ca_file(settings))


def _cache_options(manager: str) -> tuple[str, ...]:
    options = ["--env", f"npm_config_cache={DOWNLOADS_PATH}"] if manager == "npm" else []
    # pnpm reads npm_config_*, and since version 11 pnpm_config_*: https://pnpm.io/settings
    for name, value in PNPM_SETTINGS.items() if manager == "pnpm" else ():
        options += ["--env", f"npm_config_{name}={value}", "--env", f"pnpm_config_{name}={value}"]
    return tuple(options)


def run_tests(project: Project, arguments: list[str], *, watch: bool) -> int:
    """Run the app's script `test` with the node_modules of the dev server, and return its exit code.

    Raises AppError for an app without that script, or BuildError.
    """
    if "test" not in project.app.scripts:
        raise project.app.missing_script("test", "vitest run")
    command = project.app.run("test", *(["--watch"] if watch else []), *arguments)
    with project.lock():
        dev_environment = environment.prepare(project, DevCommand(command))
    run_spec = replace(dev_environment.run_spec, docker_options=tuple(pnp_args(project.app.root)))
    return _run(project, "test", run_spec, runs_until_stopped=watch)


def _run(
    project: Project, kind: str, run_spec: DevRunSpec, ca_file: str = "", *, runs_until_stopped: bool = False
) -> int:
    """Run a tool on this terminal, in a container of its own, which is removed even if the terminal closes.

    Return its exit code. One that `runs_until_stopped`, as `vitest --watch`, is stopped by the user, and that is no
    failure. `kind` is in the container's name.
    """
    container = f"{project.settings.container('dev')}-{kind}-{secrets.token_hex(2)}"
    args = tool_args(project.settings, container, run_spec, ca_file, terminal=_has_terminal())
    networks.ensure(project, DEV)
    try:
        with waiting.terminate_as_interrupt():
            code = project.run.attach(args, lambda: project.run(remove_args(container), quiet=True))
    except KeyboardInterrupt:
        if runs_until_stopped:
            return 0
        raise
    finally:
        networks.remove_unused(project, DEV)
    is_stopped = code in (*STOPPED_EXIT_CODES, KILLED_EXIT_CODE)  # invoke stop kills it
    return 0 if runs_until_stopped and is_stopped else code


def open_shell(project: Project) -> int:
    """Open a shell in the running dev container, and return its exit code. Raises StartError when it is not running."""
    container = startup.own_container(project, "dev")
    name = project.settings.container("dev")
    if not project.dry and (container is None or container.state != "running"):
        raise StartError(
            f"Container {name} is not running.", "invoke shell opens a shell in it.", "Start it first: invoke dev"
        )
    terminal = ["--tty"] if _has_terminal() else []
    return project.run.attach(["docker", "container", "exec", "--interactive", *terminal, name, "sh"])


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
