"""`docker container run`: arguments that containers of several roles share."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from docktasks.commands import flags
from docktasks.settings import Settings

NGINX_USER = 101
"""uid and gid of nginx in every variant of its image: https://github.com/nginx/docker-nginx."""


def hardening_args(settings: Settings) -> list[str]:
    """Return the arguments of all our containers: no capability, no way to gain one, no shared memory, bounded logs."""
    return [
        "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges",
        # Docker mounts two folders that every process can write to, even with --read-only. Ours needs neither.
        # This leaves out /dev/shm: https://docs.docker.com/reference/cli/docker/container/run/#ipc
        "--ipc", "none",
        # /dev/mqueue cannot be left out, so an empty read-only folder hides it.
        "--tmpfs", "/dev/mqueue:ro,size=4k",
        "--log-driver", "json-file",
        "--log-opt", f"max-size={settings.prod.log_max_size}",
        "--log-opt", f"max-file={settings.prod.log_max_files}",
    ]  # fmt: skip


def limit_args(settings: Settings) -> list[str]:
    """Return the arguments of containers that may serve: only /tmp is writable; memory and processes are limited."""
    return [
        "--read-only",
        "--tmpfs", f"/tmp:uid={NGINX_USER},gid={NGINX_USER},mode=0700,size=16m",  # noqa: S108 - the container's own
        *hardening_args(settings),
        "--memory", settings.prod.memory,
        "--memory-swap", settings.prod.memory,
        "--pids-limit", str(settings.prod.pids_limit),
    ]  # fmt: skip


def label_args(settings: Settings, role: str) -> list[str]:
    """Return the labels by which `status`, `stop` and `clean` find a container."""
    return flags("--label", *(f"{name}={value}" for name, value in settings.labels(role).items()))


def mount_args(*fields: str) -> list[str]:
    """Return --mount with its fields. It reads CSV, because the name of a folder may contain a comma or a quote."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return ["--mount", line.getvalue()]


def read_only_args(source: Path, target: str) -> list[str]:
    """Return the arguments that show a file or folder of this machine to a container, which cannot change it."""
    return mount_args("type=bind", f"source={source}", f"target={target}", "readonly")


def remove_args(*names: str) -> list[str]:
    """Return the command that removes containers, running or not."""
    return ["docker", "container", "rm", "--force", *names]
