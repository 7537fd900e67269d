"""Twins: short-lived copies of the production container, for checks that try what must not be tried on that one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from docktasks.containers.run_args import label_args
from docktasks.engine.models import Container, ContainerConfig, Image
from docktasks.settings import Settings

CLONE_ROLE = "twin"
"""Another role than production's: a twin is never taken for a release."""


def clone_name(settings: Settings, which: str) -> str:
    """What a twin of this process is called, so that two that verify at once are not in each other's way."""
    return f"{settings.container(CLONE_ROLE)}-{which}-{os.getpid()}"


def abandoned_clones(found: Iterable[Container]) -> list[str]:
    """Names of the twins among them whose process has ended."""
    return [each.name for each in found if each.role == CLONE_ROLE and not _lives(each.name)]


def _lives(name: str) -> bool:
    number = re.search(r"-(\d{1,9})$", name)
    if number is None:
        return False
    try:
        os.kill(int(number[1]), 0)  # 0: is it there?
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def clone_args(
    settings: Settings, name: str, image: Image, given: ContainerConfig, environment: Mapping[str, str]
) -> list[str]:
    """The command that starts a copy of a container: its image, command, user, limits, health command and stop signal.

    It has a network of its own, no published port and no volume, and its health is asked for all the time. It is never
    privileged, and shares no memory: what it is there to show, it shows without.
    """
    tmpfs = [f"{path}:{how}" if how else path for path, how in given.tmpfs.items()]
    security = [each for each in given.security if each.startswith("no-new-privileges")]
    return [
        "docker", "container", "run", "--detach",
        "--name", name,
        *label_args(settings, CLONE_ROLE),
        "--log-driver", "json-file", "--log-opt", f"max-size={settings.prod.log_max_size}",
        *_config_args({"--user": given.user, "--stop-signal": given.stop_signal, "--memory": given.memory,
                 "--memory-swap": given.memory and given.swap, "--pids-limit": given.pids,
                 "--ipc": given.namespaces.get("ipc") == "none" and "none"}),
        *(["--init"] if given.init else []),
        *(["--read-only"] if given.read_only else []),
        *_each("--cap-drop", given.dropped), *_each("--cap-add", given.added),
        *_each("--tmpfs", tmpfs), *_each("--security-opt", security),
        *_each("--env", [f"{key}={value}" for key, value in environment.items()]),
        *_health_args(given.health),
        "--entrypoint", given.command[0],
        image.id,
        *given.command[1:],
    ]  # fmt: skip


def _config_args(values: Mapping[str, object]) -> list[str]:
    return [arg for option, value in values.items() if value for arg in (option, str(value))]


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [arg for value in values for arg in (option, value)]


def _health_args(test: tuple[str, ...]) -> list[str]:
    """The same command, so often that it tells something soon. The CLI gives only a shell's; another is the image's."""
    command = ["--health-cmd", test[1]] if test[0] == "CMD-SHELL" else []
    return [*command, "--health-interval", "200ms", "--health-start-period", "1ms", "--health-retries", "2"]


def remove_clones_args(name: str) -> list[str]:
    """The command that removes a twin, and the volumes that its image had made for it."""
    return ["docker", "container", "rm", "--force", "--volumes", name]
