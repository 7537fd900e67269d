"""Copies of the production container: how they are started, and which are left over."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace

import pytest

from docktasks.app.project import Project
from docktasks.containers import clones
from docktasks.engine.models import Container, ContainerConfig, Image, Mount
from docktasks.housekeeping import cleanup, status
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.production import deployed
from tests.unit.fakes.runner import Runner

GIVEN = ContainerConfig(
    user="101:101",
    command=("/docker-entrypoint.sh", "nginx", "-g", "daemon off;"),
    stop_signal="SIGQUIT",
    health=("CMD-SHELL", "wget x"),
    restart="unless-stopped",
    read_only=True,
    tmpfs={"/tmp": "size=16m", "/run": ""},  # noqa: S108 - the container's own
    dropped=("ALL",),
    added=("CAP_CHOWN",),
    security=("no-new-privileges", "seccomp={}"),
    mounts=(Mount("bind", "/etc", "/srv/etc", writable=True),),
    memory=67108864,
    swap=-1,
    pids=64,
    init=True,
    namespaces={"ipc": "none"},
)
DEAD = 999_999_999
"""No process has such a number: the kernel's greatest is 4194304."""


def twin(pid: int = DEAD) -> Container:
    """One that a process has started."""
    return own_container("twin", name=f"hello-dock-twin-sound-{pid}")


def line(settings: Settings, given: ContainerConfig = GIVEN, **environment: str) -> str:
    """The command that starts one."""
    return shlex.join(clones.clone_args(settings, "NAME", Image("IMAGE"), given, environment))


def test_a_copy_runs_as_the_container_does(settings: Settings) -> None:
    """With its options as the engine tells them; without its port, its mounts, and its restart policy."""
    assert line(settings, A="1 2") == (
        "docker container run --detach --name NAME "
        "--label hello-dock.project=hello-dock --label hello-dock.role=twin "
        "--log-driver json-file --log-opt max-size=10m "
        "--user 101:101 --stop-signal SIGQUIT --memory 67108864 --memory-swap -1 --pids-limit 64 --ipc none "
        "--init --read-only "
        "--cap-drop ALL --cap-add CAP_CHOWN --tmpfs /tmp:size=16m --tmpfs /run --security-opt no-new-privileges "
        "--env 'A=1 2' "
        "--health-cmd 'wget x' --health-interval 200ms --health-start-period 1ms --health-retries 2 "
        "--entrypoint /docker-entrypoint.sh IMAGE nginx -g 'daemon off;'"
    )


def test_a_copy_of_a_bare_container(settings: Settings) -> None:
    """What it was not given, its copy is not given either; a health command that is no shell's is the image's own."""
    bare = line(settings, ContainerConfig(command=("nginx",), health=("CMD", "wget"), privileged=True))
    assert "--health-cmd" not in bare
    assert "--ipc" not in line(settings, replace(GIVEN, namespaces={"ipc": "host"}))
    assert bare.endswith("--log-opt max-size=10m --health-interval 200ms --health-start-period 1ms --health-retries 2 "
                         "--entrypoint nginx IMAGE")  # fmt: skip


def test_no_swap_without_a_limit_of_memory(settings: Settings) -> None:
    """Docker refuses one without the other."""
    assert "--memory" not in line(settings, replace(GIVEN, memory=0))


def test_two_that_verify_are_not_in_each_others_way(settings: Settings) -> None:
    """A name has the process in it."""
    assert clones.clone_name(settings, "sound") == f"hello-dock-twin-sound-{os.getpid()}"


def test_what_is_left_over_is_what_nobody_is_at() -> None:
    """A twin of a process that lives is in use; other containers are none of them, whatever they are called."""
    found = [
        twin(),
        twin(os.getpid()),
        own_container("twin", name="odd"),
        own_container("prod", name=f"hello-dock-prod-{DEAD}"),
    ]
    assert clones.abandoned_clones(found) == [f"hello-dock-twin-sound-{DEAD}", "odd"]


def test_a_process_of_another_user_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """We may not signal it, so it is there."""

    def refuse(_pid: int, _number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert clones.abandoned_clones([twin()]) == []


def test_run_prod_removes_what_an_interrupted_verify_left(engine: FakeEngine, settings: Settings) -> None:
    """And leaves what another one is at."""
    for each in (twin(), twin(os.getpid())):
        engine.by_name[each.name] = each
    run = Runner(engine)
    deployed(engine, settings, run)
    assert f"rm {twin().name}" in run.verbs
    assert twin(os.getpid()).name in engine.by_name


def test_status_and_stop_find_it(engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """It is shown as left over, and goes with all else."""
    engine.by_name = {twin().name: twin()}
    status.show_status(Project(Runner(engine), engine, settings))
    assert f"Left by an interrupted task, or renamed: {twin().name}." in capsys.readouterr().out
    cleanup.stop(Project(Runner(engine), engine, settings))
    assert engine.by_name == {}
