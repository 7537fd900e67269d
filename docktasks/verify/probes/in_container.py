"""Ask a container that runs: its files, what the kernel says about its main process, and where it is published."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docktasks.engine.models import Container, ContainerConfig
from docktasks.engine.protocol import Engine
from docktasks.errors import Skip
from docktasks.verify.probes.crawler import grouped

CAPABILITY_SETS = ("CapPrm", "CapEff", "CapBnd", "CapAmb")
"""Fields of /proc/<pid>/status: https://man7.org/linux/man-pages/man7/capabilities.7.html."""


def read_file(engine: Engine, container: Container, *paths: str) -> str:
    """The text of a file in the container, or of several. Raises Skip if `cat` fails."""
    result = engine.exec(container.name, ["cat", *paths])
    if not result.ok:
        raise Skip(f"the container does not give {' and '.join(paths)}: {result.tail(1)}")
    return result.output


def run_in_node(engine: Engine, container: Container, name: str, *args: str) -> Any:
    """Return what a script of this folder prints as JSON. Raises Skip if it cannot run."""
    script = Path(__file__).with_name(f"{name}.cjs").read_text(encoding="utf-8")
    result = engine.exec(container.name, ["node", "-e", script, *args])
    try:
        return json.loads(result.output.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise Skip(f"node does not run in it: {result.tail(1)}") from error


def process_status(text: str, path: str = "/proc/1/status") -> dict[str, str]:
    """The fields of /proc/1/status. Raises Skip if one that is needed is missing."""
    fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    missing = {"Uid", "NoNewPrivs", *CAPABILITY_SETS} - fields.keys()
    if missing:
        raise Skip(f"{path} in the container does not tell {', '.join(sorted(missing))}")
    return fields


def privilege_faults(status: Mapping[str, str], config: ContainerConfig) -> Iterator[str]:
    """The capabilities of the process, and whether it may gain more, with the options that cause it.

    `status` comes from process_status(), `config` is what the container was started with.
    """
    option = f"--cap-add {', '.join(config.added)}" if config.added else "no --cap-drop ALL"
    option = "--privileged" if config.option("Privileged") else option
    for value, names in grouped(CAPABILITY_SETS, status.__getitem__).items():
        if int(value, 16):
            yield f"{option}: {', '.join(names)} {value}"
    if status.get("Seccomp") != "2" and not config.option("Privileged"):
        mode = status.get("Seccomp", "not told")
        yield f"--security-opt seccomp=unconfined: no system call is filtered (Seccomp: {mode})"
    if status["NoNewPrivs"] != "1":
        yield f"no --security-opt no-new-privileges: NoNewPrivs {status['NoNewPrivs']}"


def public_addresses(container: Container) -> Iterator[str]:
    """The published addresses that other machines can reach."""
    for host_ip, host_port, container_port in container.published:
        if not host_ip.startswith("127.") and host_ip != "::1":
            address = f"[{host_ip}]" if ":" in host_ip else host_ip or "0.0.0.0"  # noqa: S104 - read, not bound
            yield f"--publish {address}:{host_port}:{container_port}: other machines reach it"
