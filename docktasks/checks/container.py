"""What the running container may do, by what the kernel says of it, not by what was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from docktasks.checks import Skip, check
from docktasks.checks.subject import Subject
from docktasks.settings import LABEL


def _status(subject: Subject) -> dict[str, str]:
    """The fields of /proc/1/status in the container."""
    return dict(line.split(":\t", 1) for line in _read(subject, "/proc/1/status").splitlines() if ":\t" in line)


def _read(subject: Subject, path: str) -> str:
    result = subject.engine.execute(subject.container.name, ["cat", path])
    if not result.ok:
        raise Skip(f"the container does not give {path}: {result.tail(1)}")
    return result.output


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
    for host, port, inside in subject.container.addresses:
        if not host.startswith("127.") and host != "::1":
            yield f"{inside} is published on {host or 'every address'}, port {port}"


@check(
    "container.unprivileged",
    severity="critical",
    needs="container",
    fix="Run it with --cap-drop ALL --security-opt no-new-privileges, from an image with a USER",
)
def unprivileged(subject: Subject) -> Iterator[str]:
    """The main process is not root, has no capability, and can gain none."""
    status = _status(subject)
    if "0" in status["Uid"].split():
        yield f"uids (real, effective, saved, file system): {status['Uid']}"
    yield from (f"{name}: {status[name]}" for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb") if int(status[name], 16))
    if status["NoNewPrivs"] != "1":
        yield f"NoNewPrivs: {status['NoNewPrivs']}"


@check(
    "container.read-only",
    severity="major",
    needs="container",
    fix="Run it with --read-only and a tmpfs for what it writes",
)
def read_only(subject: Subject) -> Iterator[str]:
    """The root file system is mounted read-only."""
    mounts = [line.split() for line in _read(subject, "/proc/1/mounts").splitlines()]
    roots = [options for _device, target, _kind, options, *_ in mounts if target == "/"]
    if not roots:
        yield "/proc/1/mounts tells of no /"
    yield from (f"/ is mounted {options}" for options in roots if "ro" not in options.split(","))
