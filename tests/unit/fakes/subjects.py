"""Subjects of the checks, on a fake engine: a release as run-prod starts it."""

from __future__ import annotations

from typing import Any

from docktasks.app.project import Project
from docktasks.commands import Run
from docktasks.engine.models import Container, ContainerConfig
from docktasks.settings import Settings
from docktasks.verify import catalog
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import ROOT, configured
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.production import A, image
from tests.unit.fakes.runner import Runner

# From /proc/1/status of a container that run-prod started, on kernel 6.1. The checks do not read `Name`.
STATUS = {
    "Name": "nginx",
    "Uid": "101\t101\t101\t101",
    "CapInh": "0000000000000000",
    "CapPrm": "0000000000000000",
    "CapEff": "0000000000000000",
    "CapBnd": "0000000000000000",
    "CapAmb": "0000000000000000",
    "NoNewPrivs": "1",
    "Seccomp": "2",
}
MOUNTS = (
    "overlay / overlay ro,relatime,lowerdir=/a:/b 0 0\nproc /proc proc rw,nosuid 0 0\n"
    "tmpfs /tmp tmpfs rw,nosuid,nodev,noexec,relatime,size=16384k,mode=700,uid=101,gid=101 0 0\n"
)
TMP = "/tmp"  # noqa: S108 - the container's own
PUBLISHED = (("127.0.0.1", 8080, 80),)
OPTIONS = {
    "NetworkMode": {"": "container:beef"},
    "IpcMode": {"": "private"},
    "CgroupnsMode": {"": "private"},
    "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": "0"},
    "Mounts": {"/srv/carried": "volume hello-dock-carried ro"},
    "Tmpfs": {TMP: "uid=101,size=16m"},
    "Memory": {"": "67108864"},
    "MemorySwap": {"": "67108864"},
    "PidsLimit": {"": "64"},
    "LogDriver": {"": "json-file"},
    "LogOptions": {"max-size": "10m", "max-file": "3"},
    "MaskedPaths": {"/proc/kcore": "", "/proc/keys": ""},
    "SecurityOpt": {"no-new-privileges": ""},
    "Env": {"NGINX_VERSION": "1.30.6"},
    "Command": {"": "nginx"},
}
CONFIG = ContainerConfig(
    command=("nginx",),
    health=("CMD-SHELL", "wget"),
    stop_timeout=30,
    memory=67108864,
    swap=67108864,
    pids=64,
    options=OPTIONS,
)

Result = tuple[str, tuple[str, ...]]
"""Outcome and evidence of a check."""


def release(**changes: Any) -> Container:
    """Return a container that run-prod started, with these changes."""
    state: dict[str, Any] = {
        "published": PUBLISHED,
        "image": image("a").short_id,
        "image_id": image("a").id,
        "labels": {"hello-dock.config-hash": "0a1b2c3d4e5f", "hello-dock.release": A},
        "health": "healthy",
        "networks": {"hello-dock-prod": "172.18.0.2"},
    }
    return own_container("prod", **(state | changes))


def project(engine: FakeEngine, settings: Settings | None = None, run: Run | None = None) -> Project:
    """Return a project on the fake engine, with the default settings if none are passed."""
    return Project(run or Runner(engine), engine, settings or configured(ROOT))


def release_subject(engine: FakeEngine, container: Container, run: Run | None = None) -> Subject:
    """Return the container, its address and its image as the subject of the checks."""
    return Subject(container.url, project(engine, run=run), container, engine.image(container.image_id))


def results(subject: Subject, *check_ids: str) -> dict[str, Result]:
    """Run these checks, and return the result of each by id."""
    verdicts = catalog.run_checks(subject, catalog.select(only=check_ids))
    return {verdict.check.id: (verdict.outcome, verdict.evidence) for verdict in verdicts}
