"""The lock of a fleet: a config object of the swarm, because only one deployment at a time may change its nodes.

Swarm makes a config of one name once only. So the deployment that makes it has the lock, on any machine.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from docktasks.errors import ConflictError
from docktasks.fleet.swarm import Swarm
from docktasks.labels import LABEL

OWNER = f"{LABEL}.owner"


@contextmanager
def fleet_lock(swarm: Swarm, folder: Path) -> Iterator[None]:
    """Hold the lock until the block ends. Raises ConflictError while another deployment has it."""
    name, run, path = f"{swarm.stack}-lock", swarm.project.run, folder / "lock"
    path.write_text("One deployment at a time.\n", encoding="utf-8")
    label, remove = f"{OWNER}={os.getpid()}@{socket.gethostname()}", ["docker", "config", "rm", name]
    create = ["docker", "config", "create", "--label", label, name, str(path)]
    created = run(create, quiet=True)
    owner = "" if created.ok else _owner(swarm, name)
    if owner and _has_ended(owner):
        swarm.project.progress.note(f"An earlier deployment was killed (process {owner}): its lock is removed.")
        run(remove, quiet=True)
        created = run(create, quiet=True)
    if not created.ok:
        raise ConflictError(
            f"Another deployment of {swarm.stack} has its lock: {f'process {owner}' if owner else created.tail(1)}.",
            "Two at a time would switch nodes to different releases.",
            f"Wait for it. If it was killed on a machine that is gone: {' '.join(remove)}",
        )
    try:
        yield
    finally:
        run(remove, quiet=True)


def _owner(swarm: Swarm, name: str) -> str:
    """Return the process and the machine of the deployment that has the lock, "" if nobody has it."""
    specs = [attrs["Spec"] for attrs in swarm.project.engine.swarm("configs", name=name)]
    return next(((spec.get("Labels") or {}).get(OWNER, "") for spec in specs if spec["Name"] == name), "")


def _has_ended(owner: str) -> bool:
    """Return True if the process that has the lock was on this machine, and is gone."""
    process, _, host = owner.partition("@")
    return host == socket.gethostname() and process.isdigit() and not psutil.pid_exists(int(process))
