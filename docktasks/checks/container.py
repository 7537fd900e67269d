"""What the running container may do, by what the kernel says of it, not by what was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from docktasks.checks import check
from docktasks.checks.inside import exposed, powers, read, status
from docktasks.checks.subject import Subject
from docktasks.settings import LABEL


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
