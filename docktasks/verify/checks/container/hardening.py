"""What the running container may do, as the kernel shows it inside the container."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.containers.proc import privilege_faults, process_status, public_addresses, read_file
from docktasks.engine.models import Mount
from docktasks.errors import Skip
from docktasks.labels import LABEL
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

UNCONFINED = ("apparmor=unconfined", "apparmor:unconfined", "label=disable", "label:disable")
"""Security options that disable AppArmor or SELinux. seccomp has a check of its own."""


@check("container.loopback", "critical", fix="Publish on 127.0.0.1, as run-prod does without --public")
def loopback(subject: Subject) -> Iterator[str]:
    """The port is published only on the loopback address, unless --public was chosen."""
    if subject.container.labels.get(f"{LABEL}.public") != "true":
        yield from public_addresses(subject.container)


@check("container.unprivileged", "critical", fix="Run with --cap-drop ALL --security-opt no-new-privileges and a USER")
def unprivileged(subject: Subject) -> Iterator[str]:
    """The main process is not root, has no capability, and cannot gain one."""
    status = process_status(subject.project.engine, subject.container)
    if "0" in status["Uid"].split():
        yield f"uids (real, effective, saved, file system): {status['Uid']}"
    yield from privilege_faults(status)


@check("container.read-only", "major", fix="Run it with --read-only, and with a tmpfs for what it writes")
def read_only(subject: Subject) -> Iterator[str]:
    """The root file system is mounted read-only."""
    lines = read_file(subject.project.engine, subject.container, "/proc/1/mounts").splitlines()
    roots = [options for _device, target, _type, options, *_ in map(str.split, lines) if target == "/"]
    if not roots:
        yield "/proc/1/mounts has no line for /"
    for options in (root.split(",") for root in roots):
        if "ro" not in options:  # the options with a value name the image's layers, in hundreds of characters
            yield f"/ is mounted {','.join(option for option in options if '=' not in option)}"


@check("container.seccomp", "major", fix="Remove --security-opt seccomp=unconfined and --privileged")
def seccomp(subject: Subject) -> Iterator[str]:
    """The kernel filters the system calls of the main process."""
    mode = process_status(subject.project.engine, subject.container).get("Seccomp")
    if mode is None:
        raise Skip("/proc/1/status in the container has no line Seccomp")
    if mode != "2":
        yield f"Seccomp: {mode}, but a filter is 2"


@check("container.isolation", "critical", fix="Remove what the lines name. Only the volume of assets may be mounted")
def isolation(subject: Subject) -> Iterator[str]:
    """The container shares nothing with the host: no privileges, namespace, device, socket or folder."""
    config = subject.config
    if config.privileged:
        yield "it is privileged"
    if not config.masked:
        yield "it sees all of /proc and /sys"
    yield from (f"--security-opt {option}" for option in config.security if option.endswith(UNCONFINED))
    yield from (f"device: {device}" for device in config.devices)
    yield from _shared_namespaces(subject)
    assets_volume = subject.project.settings.container("carried")
    yield from (_mount_in_words(mount) for mount in config.mounts if not _is_harmless(mount, assets_volume))


def _shared_namespaces(subject: Subject) -> Iterator[str]:
    """The namespaces of the host, and those of another container; a release has the port holder's network."""
    for kind, owner in subject.config.namespaces.items():
        if kind == "cgroup" and subject.project.engine.limit_support.cgroup == "1":
            continue  # the engine's default there
        if owner == "host" or (kind != "network" and owner.startswith("container:")):
            yield f"{kind} namespace: {owner}"


def _is_harmless(mount: Mount, assets_volume: str) -> bool:
    return mount.kind == "tmpfs" or (mount.kind == "volume" and mount.source == assets_volume and not mount.writable)


def _mount_in_words(mount: Mount) -> str:
    return f"{mount.kind} {mount.source}, {'writable' if mount.writable else 'read-only'}, at {mount.target}"


@check("container.limits", "major", fix="Run it with --memory --memory-swap --pids-limit --log-opt max-size")
def limits(subject: Subject) -> Iterator[str]:
    """Memory, swap, processes and the log on disk are limited."""
    config, unsupported = subject.config, subject.project.engine.limit_support.unsupported
    has_limit = {"memory": config.memory > 0, "swap": config.swap > 0, "processes": config.pids > 0}
    for resource, is_limited in has_limit.items():
        if not is_limited and resource not in unsupported:
            yield f"no limit for {resource}"
    if config.log_driver == "json-file" and not re.match("[1-9]", config.log_options.get("max-size", "")):
        yield f"no limit for the log: {config.log_driver} without max-size"
    if unsupported:
        raise Skip(f"this engine cannot limit {', '.join(unsupported)}")
