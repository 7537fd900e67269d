"""Clones: short-lived copies of the production container, for checks that must not be tried on that one itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

from docktasks.commands import flags
from docktasks.containers.networks import join_args
from docktasks.containers.run_args import label_args
from docktasks.engine.models import Container, ContainerConfig, Image
from docktasks.roles import PROD
from docktasks.settings import Settings

CLONE_ROLE = "clone"
"""Not a role of production, so a clone is never taken for a release."""


def clone_name(settings: Settings, suffix: str) -> str:
    """Return the name of a clone of this process; two tasks that verify at once have clones of different names."""
    return f"{settings.container(CLONE_ROLE)}-{suffix}-{os.getpid()}"


def abandoned_clones(containers: Iterable[Container]) -> list[str]:
    """Return the names of those clones whose process has ended."""
    clones = [container.name for container in containers if container.role == CLONE_ROLE]
    return [name for name in clones if not _process_runs(name)]


def _process_runs(clone_name: str) -> bool:
    pid = re.search(r"-(\d{1,9})$", clone_name)
    if pid is None:
        return False
    try:
        os.kill(int(pid[1]), 0)  # signal 0 only checks that the process exists, also where /proc hides it
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def clone_args(
    settings: Settings, name: str, image: Image, config: ContainerConfig, environment: Mapping[str, str]
) -> list[str]:
    """Return the command that starts a clone of a container, from what `docker inspect` says of it (`config`).

    It has an address of its own, no port, volume, privileges or shared memory, and a more frequent health check.
    """
    return [
        "docker", "container", "run", "--detach",
        "--name", name,
        *label_args(settings, CLONE_ROLE),
        *join_args(settings, PROD),
        *flags("--log-driver", "json-file"),
        *flags("--log-opt", f"max-size={settings.prod.log_max_size}"),
        *_process_args(config),
        *_limit_args(config),
        *flags("--env", *(f"{variable}={value}" for variable, value in environment.items())),
        *_health_args(config.health),
        "--entrypoint", config.command[0],
        image.id,
        *config.command[1:],
    ]  # fmt: skip


def _process_args(config: ContainerConfig) -> list[str]:
    return [
        *flags("--user", config.user),
        *flags("--stop-signal", config.stop_signal),
        *(["--init"] if config.init else []),
        *flags("--cap-drop", *config.dropped),
        *flags("--cap-add", *config.added),
        *flags("--security-opt", *(option for option in config.security if option.startswith("no-new-privileges"))),
    ]


def configuration_args(command: Sequence[str]) -> list[str]:
    """Return the command that prints the configuration of an nginx that this command starts, maybe with -c or -g."""
    names = [index for index, word in enumerate(command) if re.search("(^|/)nginx$", word)]
    return ["nginx", "-T", "-q", *(command[names[0] + 1 :] if names else ())]


def _limit_args(config: ContainerConfig) -> list[str]:
    tmpfs = [f"{path}:{options}" if options else path for path, options in config.tmpfs.items()]
    return [
        *flags("--memory", config.memory),
        *flags("--memory-swap", config.swap if config.memory else 0),  # Docker refuses it without --memory
        *flags("--pids-limit", config.pids),
        *(["--ipc", "none"] if config.option("IpcMode") == "none" else []),
        *(["--read-only"] if config.read_only else []),
        *flags("--tmpfs", *tmpfs),
    ]


def _health_args(test: tuple[str, ...]) -> list[str]:
    """Return the container's health check, run often. A check that is no shell command is in the image, and so here."""
    command = ["--health-cmd", test[1]] if test[0] == "CMD-SHELL" else []
    return [*command, "--health-interval", "200ms", "--health-start-period", "1ms", "--health-retries", "1"]


def remove_clones_args(name: str) -> list[str]:
    """Return the command that removes a clone, and the volumes that Docker created for it."""
    return ["docker", "container", "rm", "--force", "--volumes", name]
