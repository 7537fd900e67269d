"""Clones of the production container: how they are started, and which are abandoned."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace

import pytest

from docktasks.app.project import Project
from docktasks.containers import clones
from docktasks.engine.models import Container, ContainerConfig, Image
from docktasks.housekeeping import cleanup, status
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.production import deployed
from tests.unit.fakes.runner import Runner

CONFIG = ContainerConfig(
    user="101:101",
    command=("/docker-entrypoint.sh", "nginx", "-g", "daemon off;"),
    stop_signal="SIGQUIT",
    health=("CMD-SHELL", "wget x"),
    read_only=True,
    tmpfs={"/tmp": "size=16m", "/run": ""},  # noqa: S108 - the container's own
    dropped=("ALL",),
    added=("CAP_CHOWN",),
    security=("no-new-privileges", "seccomp={}"),
    memory=67108864,
    swap=-1,
    pids=64,
    init=True,
    options={"IpcMode": {"": "none"}, "RestartPolicy": {"Name": "always"}, "Mounts": {"/srv/etc": "bind /etc rw"}},
)
DEAD = 999_999_999
"""No process has this id: the kernel's largest is 4194304."""


def clone(pid: int = DEAD) -> Container:
    """Return a running clone that a process has started."""
    return own_container("clone", name=f"hello-dock-clone-intact-{pid}")


def line(settings: Settings, config: ContainerConfig = CONFIG, **environment: str) -> str:
    """Return the command that starts a clone."""
    return shlex.join(clones.clone_args(settings, "NAME", Image("IMAGE"), config, environment))


def test_clone_has_the_flags_of_the_container(settings: Settings) -> None:
    """The flags are those that the engine reports, without the port, the mounts and the restart policy."""
    assert line(settings, A="1 2") == (
        "docker container run --detach --name NAME "
        "--label hello-dock.project=hello-dock --label hello-dock.role=clone --network hello-dock-prod --dns 0.0.0.0 "
        "--log-driver json-file --log-opt max-size=10m "
        "--user 101:101 --stop-signal SIGQUIT --init "
        "--cap-drop ALL --cap-add CAP_CHOWN --security-opt no-new-privileges "
        "--memory 67108864 --memory-swap -1 --pids-limit 64 --ipc none --read-only --tmpfs /tmp:size=16m --tmpfs /run "
        "--env 'A=1 2' "
        "--health-cmd 'wget x' --health-interval 200ms --health-start-period 1ms --health-retries 1 "
        "--entrypoint /docker-entrypoint.sh IMAGE nginx -g 'daemon off;'"
    )


def test_clone_of_a_container_without_flags(settings: Settings) -> None:
    """What the container was not given, its clone is not given; a health check without a shell is the image's own."""
    bare = line(
        settings, ContainerConfig(command=("nginx",), health=("CMD", "wget"), options={"Privileged": {"": "true"}})
    )
    assert "--health-cmd" not in bare
    assert "--ipc" not in line(settings, replace(CONFIG, options={"IpcMode": {"": "host"}}))
    assert bare.endswith("--log-opt max-size=10m --health-interval 200ms --health-start-period 1ms --health-retries 1 "
                         "--entrypoint nginx IMAGE")  # fmt: skip


def test_clone_has_no_swap_limit_without_a_memory_limit(settings: Settings) -> None:
    """Docker refuses a swap limit without a memory limit."""
    assert "--memory" not in line(settings, replace(CONFIG, memory=0))


def test_clone_name_contains_the_process_id(settings: Settings) -> None:
    """Two tasks that verify at once use different names."""
    assert clones.clone_name(settings, "intact") == f"hello-dock-clone-intact-{os.getpid()}"


def test_clone_of_an_ended_process_is_abandoned() -> None:
    """Clones of running processes and containers of other roles are not abandoned."""
    containers = [
        clone(),
        clone(os.getpid()),
        own_container("clone", name="odd"),
        own_container("prod", name=f"hello-dock-prod-{DEAD}"),
    ]
    assert clones.abandoned_clones(containers) == [f"hello-dock-clone-intact-{DEAD}", "odd"]


def test_clone_of_another_users_process_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may not be signalled exists."""

    def refuse(_pid: int, _number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert clones.abandoned_clones([clone(1)]) == []


def test_run_prod_removes_abandoned_clones(engine: FakeEngine, settings: Settings) -> None:
    """The clones of a verify that is running stay."""
    for container in (clone(), clone(os.getpid())):
        engine.by_name[container.name] = container
    run = Runner(engine)
    deployed(engine, settings, run)
    assert f"rm {clone().name}" in run.verbs
    assert clone(os.getpid()).name in engine.by_name


def test_status_and_stop_find_abandoned_clones(engine: FakeEngine, settings: Settings) -> None:
    """`status` reports an abandoned clone, and `stop` removes it."""
    engine.by_name = {clone().name: clone()}
    (warning,) = status.containers_table(Project(Runner(engine), engine, settings)).warnings
    assert clone().name in warning
    cleanup.stop(Project(Runner(engine), engine, settings))
    assert engine.by_name == {}
