"""What the running container may do, by what the kernel says of it where it does, not by what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.engine.models import ContainerConfig, Mount
from docktasks.settings import LABEL
from docktasks.verify.probes.proc import exposed, powers, read, status
from docktasks.verify.registry import Skip, check
from docktasks.verify.subject import Subject

UNCONFINED = ("apparmor=unconfined", "apparmor:unconfined", "label=disable", "label:disable")
"""Security options that take away what the engine confines by; seccomp has a check of its own."""


@check(
    "container.loopback",
    severity="critical",
    needs="container",
    fix="Publish on 127.0.0.1: run-prod does, unless --public is chosen",
)
def loopback(subject: Subject) -> Iterator[str]:
    """Published on the loopback address only, unless --public was chosen."""
    if subject.container.labels.get(f"{LABEL}.public") == "true":
        return
    yield from exposed(subject.container)


@check(
    "container.unprivileged",
    severity="critical",
    needs="container",
    fix="Run it with --cap-drop ALL --security-opt no-new-privileges, from an image with a USER",
)
def unprivileged(subject: Subject) -> Iterator[str]:
    """The main process is not root, has no capability, and can gain none."""
    of = status(subject.engine, subject.container)
    if "0" in of["Uid"].split():
        yield f"uids (real, effective, saved, file system): {of['Uid']}"
    yield from powers(of)


@check(
    "container.read-only",
    severity="major",
    needs="container",
    fix="Run it with --read-only and a tmpfs for what it writes",
)
def read_only(subject: Subject) -> Iterator[str]:
    """The root file system is mounted read-only."""
    mounts = [line.split() for line in read(subject.engine, subject.container, "/proc/1/mounts").splitlines()]
    roots = [options for _device, target, _kind, options, *_ in mounts if target == "/"]
    if not roots:
        yield "/proc/1/mounts tells of no /"
    yield from (f"/ is mounted {options}" for options in roots if "ro" not in options.split(","))


@check(
    "container.seccomp",
    severity="major",
    needs="container",
    fix="Leave --security-opt seccomp=unconfined and --privileged away; the engine's own profile does",
)
def seccomp(subject: Subject) -> Iterator[str]:
    """The kernel filters the main process's system calls."""
    mode = status(subject.engine, subject.container).get("Seccomp")
    if mode is None:
        raise Skip("/proc/1/status in the container does not tell Seccomp")
    if mode != "2":
        yield f"Seccomp: {mode}, where 2 is a filter"


@check(
    "container.isolation",
    severity="critical",
    needs="container",
    fix="Leave away --privileged, --pid, --ipc, --uts, --userns, --cgroupns, --network host, --device, and all "
    "mounts but the volume of carried assets, as run-prod does",
)
def isolation(subject: Subject) -> Iterator[str]:
    """It has nothing of the host's: no privileges, namespace, device, socket or folder."""
    given = subject.options
    if given.privileged:
        yield "it is privileged"
    if not given.masked:
        yield "it sees all of /proc and /sys"
    yield from (f"--security-opt {each}" for each in given.security if each.endswith(UNCONFINED))
    yield from (f"device: {each}" for each in given.devices)
    yield from _shared(subject, given)
    ours = subject.settings.container("carried")
    yield from (f"{_words(each)} at {each.target}" for each in given.mounts if not _is_harmless(each, ours))


def _shared(subject: Subject, given: ContainerConfig) -> Iterator[str]:
    """The namespaces that are the host's or, but for a release's network, another container's."""
    for kind, whose in given.namespaces.items():
        if kind == "cgroup" and subject.engine.limit_support.cgroup == "1":
            continue  # an engine's default there
        if whose == "host" or (kind != "network" and whose.startswith("container:")):
            yield f"{kind} namespace: {whose}"


def _is_harmless(mount: Mount, ours: str) -> bool:
    return mount.kind == "tmpfs" or (mount.kind == "volume" and mount.source == ours and not mount.writable)


def _words(mount: Mount) -> str:
    return f"{mount.kind} {mount.source}, {'writable' if mount.writable else 'read-only'},"


@check(
    "container.limits",
    severity="major",
    needs="container",
    fix="Run it with --memory, --memory-swap, --pids-limit and --log-opt max-size, as run-prod does (prod.memory, …)",
)
def limits(subject: Subject) -> Iterator[str]:
    """Memory, swap, processes and the log on disk are bounded."""
    given, lacks = subject.options, subject.engine.limit_support.unsupported
    bounds = {"memory": given.memory > 0, "swap": given.swap > 0, "processes": given.pids > 0}
    yield from (f"no limit of {what}" for what, has in bounds.items() if not has and what not in lacks)
    if given.log_driver == "json-file" and not re.match("[1-9]", given.log_options.get("max-size", "")):
        yield f"no limit of the log: {given.log_driver} without max-size"
    if lacks:
        raise Skip(f"this engine keeps no limit of {', '.join(lacks)}")
