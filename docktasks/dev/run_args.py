"""`docker container run` of the dev image: its argument lists, and what of the checkout a container sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from docktasks.containers.app_mount import APP_PATH, source_args
from docktasks.containers.ports import WORKING_DIR_LABEL, Bind
from docktasks.containers.roles import CONTAINER_PORT
from docktasks.containers.run_args import csv_line, hardening_args, label_args
from docktasks.settings import Settings

COMPILED = f"{APP_PATH}/node_modules/.vite/compiled"
"""Where node keeps what it compiled, by what is in each file: https://nodejs.org/api/module.html#module-compile-cache.
Vite has it written 10 s after its start, to /tmp by default, which goes with a container. In the volume it saves the
next one an eighth of its start. Not for tools: it makes a coverage less precise."""


@dataclass(frozen=True)
class DevRun:
    """What one run of the dev image is given: its volume, its `uid:gid`, the commit, and a command of its own.

    `polling` has Vite look for changes where no event tells of them; `whole` tells that the app's folder is mounted as
    one, and is False where it has no node_modules to mount the volume over; `options` are more of Docker's own.
    """

    volume: str
    user: str
    revision: str = ""
    command: tuple[str, ...] = ()
    polling: bool = False
    whole: bool = True
    options: tuple[str, ...] = ()

    def runs(self, *command: str) -> DevRun:
        """The same with another command."""
        return replace(self, command=command)


def dev_args(settings: Settings, bind: Bind, given: DevRun) -> list[str]:
    """The command that starts the dev container: the source bind-mounted, node_modules in a volume over it."""
    return [
        "docker", "container", "run", "--detach", "--init",
        "--name", settings.container("dev"),
        *label_args(settings, "dev"),
        "--label", f"{WORKING_DIR_LABEL}={settings.app_dir}",
        *bind.args(CONTAINER_PORT["dev"]),
        "--env", f"NODE_COMPILE_CACHE={COMPILED}",
        *_shared_args(settings, given),
    ]  # fmt: skip


def tool_args(settings: Settings, name: str, given: DevRun, ca_file: str, *, terminal: bool) -> list[str]:
    """The command that runs a tool beside the dev server, such as the tests, and leaves no container.

    Without a volume it gets one that goes with it, filled from the image. A package manager trusts `ca_file`, too.
    """
    trusted = "/run/secrets/ca"
    return [
        "docker", "container", "run", "--rm", "--init", "--interactive", *(["--tty"] if terminal else []),
        "--name", name,
        *label_args(settings, "dev"),
        *_trust_args(ca_file, trusted),
        *_shared_args(settings, given),
    ]  # fmt: skip


def fill_args(settings: Settings, given: DevRun) -> list[str]:
    """The command that fills a fresh volume: Docker copies what the image has into it as it makes the container."""
    return [
        "docker", "container", "run", "--rm", "--network", "none",
        *label_args(settings, "dev"),
        *_shared_args(settings, given.runs("true")),
    ]  # fmt: skip


def _trust_args(ca_file: str, inside: str) -> list[str]:
    if not ca_file:
        return []
    mount = csv_line("type=bind", f"source={Path(ca_file).resolve()}", f"target={inside}", "readonly")
    return ["--mount", mount, "--env", f"NODE_EXTRA_CA_CERTS={inside}"]


def _shared_args(settings: Settings, given: DevRun) -> list[str]:
    source = [f"source={given.volume}"] if given.volume else []
    return [
        *hardening_args(settings),
        "--user", given.user,
        "--env", f"REVISION={given.revision}",
        # Vite's watcher reads it: https://github.com/paulmillr/chokidar/tree/3.6.0#performance
        *(["--env", "CHOKIDAR_USEPOLLING=true"] if given.polling else []),
        *given.options,
        *source_args(settings, whole=given.whole),
        "--mount", ",".join(["type=volume", *source, f"target={APP_PATH}/node_modules"]),
        settings.image("dev"),
        *given.command,
    ]  # fmt: skip
