"""The argument lists of `docker container run` for the dev image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from docktasks.app import vite_options
from docktasks.app.package import App
from docktasks.containers.app_mount import APP_PATH, source_args
from docktasks.containers.networks import join_args
from docktasks.containers.ports import WORKING_DIR_LABEL, Bind
from docktasks.containers.run_args import csv_line, hardening_args, label_args
from docktasks.dev import certificate
from docktasks.roles import DEV
from docktasks.settings import Settings

COMPILE_CACHE = f"{APP_PATH}/node_modules/.vite/compiled"
"""Node's compile cache, which Vite switches on: https://nodejs.org/api/module.html#module-compile-cache. By default it
is in /tmp and lost with the container. In the volume it saves the next start an eighth of its time. Tools do not use
it, because it makes the coverage of tests less precise."""

VITE_FOLDER = "/usr/local/lib/hello-dock"
"""Where the dev container sees what gives Vite's command more options."""

CA_FILE = "/run/secrets/ca"
"""Where a container sees the certificate authorities of build.ca_file."""


@dataclass(frozen=True)
class DevRunSpec:
    """How a container of the dev image is run.

    `volume` is the name of the volume for node_modules, empty for a new one that is removed with the container.
    `user` is `uid:gid`, `revision` the app's commit, and `command` replaces the image's own. With `polling`, Vite looks
    at the files again and again instead of waiting for file events. `docker_options` are more options of Docker.
    """

    volume: str
    user: str
    revision: str = ""
    command: tuple[str, ...] = ()
    polling: bool = False
    docker_options: tuple[str, ...] = ()

    def with_command(self, *command: str) -> DevRunSpec:
        """Return the same with another command."""
        return replace(self, command=command)


def serve_command(app: App) -> tuple[str, ...]:
    """Return the command that runs the app's script `serve` or `dev`; empty where that is the image's own command.

    With --strictPort Vite takes no other port, which would not be published. Raises AppError for an app with neither
    script.
    """
    script, manager = app.first_script("serve", "dev"), app.package_manager
    if script == "serve" and manager.name == "npm":
        return ()
    address = ["--host", "0.0.0.0", "--port", str(DEV.container_port)]  # noqa: S104 - in the container
    return manager.run(script, *address, "--strictPort")


def dev_args(settings: Settings, bind: Bind, run_spec: DevRunSpec) -> list[str]:
    """Return the command that starts the dev container: the source bind-mounted, node_modules in a volume over it."""
    return [
        "docker", "container", "run", "--detach", "--init",
        "--name", settings.container("dev"),
        *label_args(settings, "dev"),
        "--label", f"{WORKING_DIR_LABEL}={settings.app_dir}",
        *join_args(settings, DEV),
        *bind.args(DEV.container_port),
        "--env", f"NODE_COMPILE_CACHE={COMPILE_CACHE}",
        *_vite_args(settings),
        *certificate.mount_args(settings),
        *_shared_args(settings, run_spec),
    ]  # fmt: skip


def tool_args(settings: Settings, name: str, run_spec: DevRunSpec, ca_file: str, *, terminal: bool) -> list[str]:
    """Return the command that runs a tool, such as the tests, in a container that is removed when it ends.

    `name` is the container's. A package manager trusts the certificates in `ca_file`, a path on this machine; it may be
    empty. With `terminal` the container gets one.
    """
    return [
        "docker", "container", "run", "--rm", "--init", "--interactive", *(["--tty"] if terminal else []),
        "--name", name,
        *label_args(settings, "dev"),
        *join_args(settings, DEV),
        *_trust_args(ca_file),
        *_shared_args(settings, run_spec),
    ]  # fmt: skip


def fill_args(settings: Settings, run_spec: DevRunSpec) -> list[str]:
    """Return the command that fills a new volume: Docker copies the image's node_modules as it creates a container."""
    return [
        "docker", "container", "run", "--rm", "--network", "none",
        *label_args(settings, "dev"),
        *_shared_args(settings, run_spec.with_command("true")),
    ]  # fmt: skip


def _vite_args(settings: Settings) -> list[str]:
    options = vite_options.for_dev(settings)
    if not options:
        return []
    source = settings.root / vite_options.FOLDER
    return [
        "--mount", csv_line("type=bind", f"source={source}", f"target={VITE_FOLDER}", "readonly"),
        "--env", f"NODE_OPTIONS=--require={VITE_FOLDER}/preload.cjs",
        "--env", f"{vite_options.VARIABLE}={options}",
    ]  # fmt: skip


def _trust_args(ca_file: str) -> list[str]:
    if not ca_file:
        return []
    mount = csv_line("type=bind", f"source={Path(ca_file).resolve()}", f"target={CA_FILE}", "readonly")
    return ["--mount", mount, "--env", f"NODE_EXTRA_CA_CERTS={CA_FILE}"]


def _shared_args(settings: Settings, run_spec: DevRunSpec) -> list[str]:
    volume = [f"source={run_spec.volume}"] if run_spec.volume else []
    return [
        *hardening_args(settings),
        "--user", run_spec.user,
        "--env", f"REVISION={run_spec.revision}",
        "--env", "NO_COLOR", "--env", "FORCE_COLOR",  # as they are in the task's environment
        # Vite's watcher reads it: https://github.com/paulmillr/chokidar/tree/3.6.0#performance
        *(["--env", "CHOKIDAR_USEPOLLING=true"] if run_spec.polling else []),
        *run_spec.docker_options,
        *source_args(settings),
        "--mount", ",".join(["type=volume", *volume, f"target={APP_PATH}/node_modules"]),
        settings.image("dev"),
        *run_spec.command,
    ]  # fmt: skip
