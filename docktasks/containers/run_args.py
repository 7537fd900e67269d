"""`docker container run`: its argument lists, and the hardening they share."""

from __future__ import annotations

import csv
import io

from docktasks.settings import Settings

# nginx in the image runs as this user: https://github.com/nginx/docker-nginx (uid and gid 101 in every variant).
NGINX_USER = 101


def hardening_args(settings: Settings) -> list[str]:
    """What every container of ours runs with: no capability, no way to gain one, no shared memory, logs that end."""
    return [
        "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges",
        # Docker mounts two folders in each where anybody can write, read-only or not, and nothing of ours does:
        # /dev/shm, which is left away, https://docs.docker.com/reference/cli/docker/container/run/#ipc …
        "--ipc", "none",
        # … and /dev/mqueue, which cannot be: an empty folder hides it.
        "--tmpfs", "/dev/mqueue:ro,size=4k",
        "--log-driver", "json-file",
        "--log-opt", f"max-size={settings.prod.log_max_size}",
        "--log-opt", f"max-file={settings.prod.log_max_files}",
    ]  # fmt: skip


def limit_args(settings: Settings) -> list[str]:
    """What every container that may serve runs with: it can write to /tmp alone, and use so much."""
    return [
        "--read-only",
        "--tmpfs", f"/tmp:uid={NGINX_USER},gid={NGINX_USER},mode=0700,size=16m",  # noqa: S108 - the container's own
        *hardening_args(settings),
        "--memory", settings.prod.memory,
        "--memory-swap", settings.prod.memory,
        "--pids-limit", str(settings.prod.pids_limit),
    ]  # fmt: skip


def label_args(settings: Settings, role: str) -> list[str]:
    """The labels by which `status`, `stop` and `clean` find the container."""
    return [arg for name, value in settings.labels(role).items() for arg in ("--label", f"{name}={value}")]


def csv_line(*fields: str) -> str:
    """Fields as --mount reads them, which is CSV: a folder may have a comma or a quote in its name."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def remove_args(*names: str) -> list[str]:
    """The command that removes containers, running or not."""
    return ["docker", "container", "rm", "--force", *names]
