"""What the running container may do, as the kernel shows it inside the container."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from docktasks.containers.proc import privilege_faults, process_status, public_addresses, read_file
from docktasks.engine.models import ContainerConfig, Mount
from docktasks.errors import Skip
from docktasks.labels import LABEL
from docktasks.roles import HOLDER
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

UNCONFINED = ("apparmor=unconfined", "apparmor:unconfined", "label=disable", "label:disable")
"""Security options that disable AppArmor or SELinux. seccomp has a check of its own."""
MAX_NAME_CHARS = 60


OPTIONS = {"userns": "--userns", "cgroup": "--cgroupns", "network": "--network"}
"""Kind of namespace -> the option of `docker container run`, where it has another name."""


@check("container.loopback", "critical", fix="Publish on 127.0.0.1, as run-prod does without --public")
def loopback(subject: Subject) -> Iterator[str]:
    """The port is published only on the loopback address, unless --public was chosen."""
    if subject.container.labels.get(f"{LABEL}.public") != "true":
        yield from public_addresses(subject.container)


def shares_processes(subject: Subject) -> bool:
    """True if it sees the processes of the machine or of another container. Process 1 is then not its own."""
    return subject.config.namespaces.get("pid", "") not in ("", "private")


def _status(subject: Subject) -> dict[str, str]:
    """The status of the main process, or of another one that Docker starts with the same privileges."""
    process = "self" if shares_processes(subject) else "1"
    return process_status(subject.project.engine, subject.container, process)


@check("container.isolation", "critical", fix="Remove what the lines name. Only the volume of assets may be mounted")
def isolation(subject: Subject) -> Iterator[str]:
    """The container shares nothing with the host: no privileges, namespace, device, socket or folder."""
    for name, config in _parts(subject):
        yield from (f"{name}{fault}" for fault in _isolation_faults(subject, config))


def _parts(subject: Subject) -> Iterator[tuple[str, ContainerConfig]]:
    """How the release was started, and how the port holder, with a name for the evidence."""
    yield "", subject.config
    yield from _holder(subject)


def _holder(subject: Subject) -> Iterator[tuple[str, ContainerConfig]]:
    name = subject.project.settings.container(HOLDER)
    if subject.project.engine.container(name):
        yield f"{name}: ", subject.project.engine.container_config(name)


def _isolation_faults(subject: Subject, config: ContainerConfig) -> Iterator[str]:
    if config.privileged:
        yield "--privileged: it has every device of the machine, and all of /proc and /sys"
    elif not config.masked:
        yield "--security-opt systempaths=unconfined: it sees all of /proc and /sys"
    yield from (f"--security-opt {option}" for option in config.security if option.endswith(UNCONFINED))
    yield from (f"--device {device}: it has a device of the machine" for device in config.devices)
    yield from _shared_namespaces(subject, config)
    assets_volume = subject.project.settings.container("carried")
    yield from (_mount_in_words(mount) for mount in config.mounts if not _is_harmless(mount, assets_volume))


def _shared_namespaces(subject: Subject, config: ContainerConfig) -> Iterator[str]:
    """The namespaces of the host, and those of another container; a release has the port holder's network."""
    for kind, owner in config.namespaces.items():
        if kind == "cgroup" and subject.project.engine.limit_support.cgroup == "1":
            continue  # the engine's default there
        if owner == "host" or (kind != "network" and owner.startswith("container:")):
            other = "the machine" if owner == "host" else "another container"
            yield f"{OPTIONS.get(kind, f'--{kind}')} {owner}: it shares this namespace with {other}"


def _is_harmless(mount: Mount, assets_volume: str) -> bool:
    return mount.kind == "tmpfs" or (mount.kind == "volume" and mount.source == assets_volume and not mount.writable)


def _mount_in_words(mount: Mount) -> str:
    kind = "a volume" if mount.kind == "volume" else "a folder or file of the machine"
    name = mount.source[:MAX_NAME_CHARS]
    return f"--volume {name}:{mount.target}{'' if mount.writable else ':ro'}: it has {kind}"


@check("container.unprivileged", "critical", fix="Run with --cap-drop ALL --security-opt no-new-privileges and a USER")
def unprivileged(subject: Subject) -> Iterator[str]:
    """The main process is not root, has no capability, and cannot gain one."""
    status = _status(subject)
    if "0" in status["Uid"].split():
        yield f"--user or USER is root: uids {', '.join(status['Uid'].split())}"
    groups = f"{status.get('Gid', '')} {status.get('Groups', '')}".split()
    if "0" in groups:
        yield f"--group-add, --user or USER has root's group: groups {', '.join(dict.fromkeys(groups))}"
    yield from privilege_faults(status, subject.config)
    for name, config in _holder(subject):
        if config.user.partition(":")[0] in ("", "0", "root"):
            yield f"{name}--user is {config.user or 'missing'}, so it is root"


@check("container.read-only", "major", fix="Run it with --read-only, and with a tmpfs for what it writes")
def read_only(subject: Subject) -> Iterator[str]:
    """The root file system is mounted read-only."""
    path = f"/proc/{'self' if shares_processes(subject) else '1'}/mounts"
    lines = read_file(subject.project.engine, subject.container, path).splitlines()
    roots = [options for _device, target, _type, options, *_ in map(str.split, lines) if target == "/"]
    if not roots:
        yield f"{path} has no line for /"
    for options in (root.split(",") for root in roots):
        if "ro" not in options:  # the options with a value name the image's layers, in hundreds of characters
            yield f"no --read-only: / is mounted {','.join(option for option in options if '=' not in option)}"


@check("container.seccomp", "major", fix="Remove --security-opt seccomp=unconfined and --privileged")
def seccomp(subject: Subject) -> Iterator[str]:
    """The kernel filters the system calls of the main process."""
    mode = _status(subject).get("Seccomp")
    if mode is None:
        raise Skip("/proc/1/status in the container has no line Seccomp")
    if mode != "2":
        option = "--privileged" if subject.config.privileged else "--security-opt seccomp=unconfined"
        yield f"{option}: no system call is filtered (Seccomp: {mode}, but a filter is 2)"


@check("container.limits", "major", fix="Run it with --memory --memory-swap --pids-limit --log-opt max-size")
def limits(subject: Subject) -> Iterator[str]:
    """Memory, swap, processes and the log on disk are limited."""
    unsupported = subject.project.engine.limit_support.unsupported
    for name, config in _parts(subject):
        yield from (f"{name}{fault}" for fault in _missing_limits(config, unsupported))
    if unsupported:
        raise Skip(f"this engine cannot limit {', '.join(unsupported)}")


def _missing_limits(config: ContainerConfig, unsupported: Collection[str]) -> Iterator[str]:
    limits = {"memory": config.memory, "swap": config.swap, "processes": config.pids}
    for resource, option in {"memory": "--memory", "swap": "--memory-swap", "processes": "--pids-limit"}.items():
        if limits[resource] <= 0 and resource not in unsupported:
            yield f"no {option}: {resource} without a limit"
    if config.log_driver == "json-file" and not re.match("[1-9]", config.log_options.get("max-size", "")):
        yield "no --log-opt max-size: a log without a limit"
