"""A deployment: what it keeps, what it recovers, and who may begin one."""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.network import free_port
from docktasks.commands import Result
from docktasks.errors import ConflictError, DockError, FleetError, SettingsError
from docktasks.fleet import deploy
from docktasks.fleet.change import OBJECT, DeployOptions, notices, plan, require_choice, require_form, require_object
from docktasks.fleet.lock import fleet_lock
from docktasks.fleet.status import fleet_table, verify_table
from docktasks.fleet.swarm import Service, Swarm
from docktasks.settings import Settings
from tests.unit.fakes.runner import Runner
from tests.unit.fleet.conftest import A, B, C, SwarmEngine, node, service, task, with_fleet

LOCK = f"docker config create --label hello-dock.owner={os.getpid()}@{socket.gethostname()} hello-dock-lock"
TAKEN = {"docker config create": Result(1, "AlreadyExists")}


def locked_by(owner: str) -> SwarmEngine:
    """Return a swarm in which a deployment has the lock."""
    return SwarmEngine(configs=[{"Spec": {"Name": "hello-dock-lock", "Labels": {"hello-dock.owner": owner}}}])


def test_next_release_keeps_the_files_of_the_one_before(swarm_of: Callable[..., Swarm]) -> None:
    """The one before gets those of the next first. Files of the same release are not kept twice."""
    current = Service.parse(service(B, release=B, kept=A))
    change = plan(swarm_of(SwarmEngine()).project, DeployOptions(C), current)
    assert (change.kept, change.old_kept, change.before, change.needs_expansion) == ((B, A), (C, A), B, True)


def test_rollback_needs_no_expansion(swarm_of: Callable[..., Swarm]) -> None:
    """The nodes have the files of the release before already."""
    current = Service.parse(service(B, release=B, kept=A, before=A))
    change = plan(swarm_of(SwarmEngine()).project, DeployOptions(rollback=True), current)
    assert (change.release, change.kept, change.before, change.needs_expansion) == (A, (B,), B, False)


@pytest.mark.parametrize("labels", [{}, {"release": A}])
def test_first_release_has_none_before(swarm_of: Callable[..., Swarm], labels: dict[str, Any]) -> None:
    """The error says how to name another."""
    current = Service.parse(service(A, **labels)) if labels else None
    with pytest.raises(FleetError) as caught:
        plan(swarm_of(SwarmEngine()).project, DeployOptions(rollback=True), current)
    assert "--image=" in caught.value.how


@pytest.mark.parametrize(
    ("image", "rollback"), [("", False), (A, True), ("app: x", False), ("app\nprivileged: true", False), ("-x", False)]
)
def test_deployment_needs_one_release(image: str, *, rollback: bool) -> None:
    """A name never adds a line to the stack file."""
    with pytest.raises(SettingsError, match="image"):
        require_choice(image, rollback=rollback)


def test_replicas_on_the_network_of_the_node_are_refused(settings: Settings) -> None:
    """A task that moves to another node would lose the requests that the load balancer still sends to the first one."""
    fleet = replace(settings.fleet, replicas=2)
    with pytest.raises(SettingsError, match=r"^fleet\.replicas is 2, and"):
        require_form(fleet)
    require_form(replace(fleet, network="bridge"))
    require_form(replace(fleet, replicas=0))


def test_paused_update_is_taken_back_before_another_begins(swarm_of: Callable[..., Swarm]) -> None:
    """It is what a change leaves whose way back has failed, too."""
    engine = SwarmEngine(nodes=[node(1)], services=[service(A, state="paused")], tasks=[task(1, A)])
    run = Runner(engine)
    deploy.recover(swarm_of(engine, run))
    assert "docker service rollback --detach --quiet hello-dock_site" in run.lines


def test_lock_is_taken_and_given_back(swarm_of: Callable[..., Swarm], tmp_path: Path) -> None:
    """Swarm makes it only once."""
    run = Runner()
    with fleet_lock(swarm_of(SwarmEngine(), run), tmp_path):
        assert run.lines == [f"{LOCK} {tmp_path}/lock"]
    assert run.lines[1:] == ["docker config rm hello-dock-lock"]


@pytest.mark.parametrize("owner", [f"1@{socket.gethostname()}", "99999999@another.example"])
def test_lock_of_a_running_deployment_is_respected(swarm_of: Callable[..., Swarm], tmp_path: Path, owner: str) -> None:
    """Whether a process of another machine runs is not known."""
    run = Runner(answers=TAKEN)
    with pytest.raises(ConflictError, match=owner), fleet_lock(swarm_of(locked_by(owner), run), tmp_path):
        pytest.fail("the lock was not respected")
    assert "docker config rm hello-dock-lock" not in run.lines


def test_lock_of_a_killed_deployment_is_removed(swarm_of: Callable[..., Swarm], tmp_path: Path) -> None:
    """Its process was on this machine, and is gone."""
    run = Runner(answers=TAKEN)
    engine = locked_by(f"99999999@{socket.gethostname()}")
    with pytest.raises(ConflictError), fleet_lock(swarm_of(engine, run), tmp_path):  # it is taken again by another
        pytest.fail("the lock was not taken")
    assert run.lines[1] == "docker config rm hello-dock-lock"


def test_status_names_the_release_of_each_node(swarm_of: Callable[..., Swarm]) -> None:
    """A node with another image, or with two, is told."""
    nodes = [node(1), node(2), node(3, state="down")]
    services = [service("registry.example/team/app@sha256:" + "f" * 64, release=B, before=A, state="updating")]
    tasks = [task(1, services[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]), task(2, A)]
    table = fleet_table(swarm_of(SwarmEngine(nodes=nodes, services=services, tasks=tasks)).project)
    assert table is not None
    assert [row[3] for row in table.rows] == ["sha256:bbbbbbbbbbbb", "sha256:aaaaaaaaaaaa", "-"]
    assert table.rows[0][:3] == ("harbour1", "active", "http://10.0.0.1:8080")
    assert table.rows[2][1] == "down"
    assert len(table.warnings) == 1


def test_status_without_a_fleet_has_no_nodes(swarm_of: Callable[..., Swarm]) -> None:
    """An engine in no swarm is not asked for services."""
    engine = SwarmEngine()
    assert fleet_table(swarm_of(engine).project) is None


def test_node_that_does_not_answer_fails(swarm_of: Callable[..., Swarm]) -> None:
    """Its row says so, and the others are checked, too. A node that serves nothing is no failure."""
    nodes = [node(1, **{"hello-dock.address": "127.0.0.1"}), node(2)]
    project = swarm_of(SwarmEngine(nodes=nodes, services=[service(A)], tasks=[task(1, A)])).project
    port = free_port()
    changed = replace(project.settings, fleet=replace(project.settings.fleet, host_port=port))
    table, failed = verify_table(replace(project, settings=changed))
    assert failed == ["harbour1 (127.0.0.1)"]
    assert [row[2] for row in table.rows] == ["none", "serves nothing"]


def with_config(content: str) -> SwarmEngine:
    """Return a swarm that has a config called colours."""
    return SwarmEngine(configs=[{"Spec": {"Name": "colours", "Data": base64.b64encode(content.encode()).decode()}}])


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("colour = blue", "has no JSON object of texts"),
        ('["blue"]', "has no JSON object of texts"),
        ('{"APP_COLOURS": 3}', "has no JSON object of texts"),
        ('{"DB_PASSWORD": "x"}', "begins with none of the allowed prefixes"),
    ],
)
def test_config_has_what_the_page_may_get(swarm_of: Callable[..., Swarm], content: str, what: str) -> None:
    """Every visitor can read it, as what --env gives."""
    with pytest.raises(DockError, match=f"^The config colours .*{what}") as caught:
        plan(swarm_of(with_config(content)).project, DeployOptions(A, page_config="config:colours"), None)
    assert caught.value.how


def test_secret_is_not_checked(swarm_of: Callable[..., Swarm]) -> None:
    """Swarm does not show it. The notice says what it has to be, once."""
    engine = SwarmEngine(secrets=[{"Spec": {"Name": "colours"}}])
    options = DeployOptions(A, page_config="secret:colours")
    change = plan(swarm_of(engine).project, options, None)
    assert notices(change, options, ("APP_NAME",)) == (
        f"Swarm shows no secret, so it was not checked. It has to be {OBJECT}",
    )
    assert notices(change, DeployOptions(A), ("APP_NAME",)) == ("The page keeps its configuration: secret:colours",)


@pytest.mark.parametrize(
    ("current", "fleet"),
    [
        ({"network": "host"}, {"network": "bridge"}),
        ({"network": "bridge"}, {"network": "host"}),
        ({"network": "bridge"}, {"network": "bridge", "replicas": 2}),
        ({"network": "bridge", "replicas": 2}, {"network": "bridge"}),
    ],
)
def test_other_form_of_the_service_is_refused(
    swarm_of: Callable[..., Swarm], current: dict[str, Any], fleet: dict[str, Any]
) -> None:
    """The old task has no drain, or holds the port, and Swarm keeps the mode of a service."""
    project = with_fleet(swarm_of(SwarmEngine()), **fleet).project
    with pytest.raises(SettingsError, match=r"^The service has fleet\.network=") as caught:
        plan(project, DeployOptions(B), Service.parse(service(A, release=A, **current)))
    assert caught.value.how.endswith("docker stack rm hello-dock")
    assert plan(project, DeployOptions(B), Service.parse(service(A, release=A, **fleet))).is_needed


def test_other_number_of_replicas_is_a_change(swarm_of: Callable[..., Swarm]) -> None:
    """The image may be the same."""
    project = with_fleet(swarm_of(SwarmEngine()), network="bridge", replicas=3).project
    two, three = (Service.parse(service(A, network="bridge", replicas=number, release=A)) for number in (2, 3))
    assert plan(project, DeployOptions(A), two).is_needed
    assert not plan(project, DeployOptions(A), three).is_needed


def test_object_with_the_configuration_is_kept(swarm_of: Callable[..., Swarm]) -> None:
    """Until --env, --env-from or --no-env names another one. One that the swarm does not have is an error."""
    current = Service.parse(service(A, release=A))
    current = replace(current, environment=("HELLO_DOCK_LISTEN=8080", "HELLO_DOCK_ENV_FILE=/run/config/colours"))
    engine = with_config('{"APP_COLOUR": "blue"}')
    kept = plan(swarm_of(engine).project, DeployOptions(A), current)
    assert (kept.page_config, kept.is_needed) == ("config:colours", False)
    keeps, lacks = notices(kept, DeployOptions(A), ("APP_COLOUR", "APP_NAME"))
    assert keeps == "The page keeps its configuration: config:colours"
    assert lacks.startswith("The page's configuration has no value for APP_NAME, so")
    assert plan(swarm_of(engine).project, DeployOptions(A, page_config=""), current).is_needed
    with pytest.raises(FleetError) as caught:
        plan(swarm_of(engine).project, DeployOptions(A, page_config="secret:colours"), current)
    assert caught.value.how.endswith("docker secret create colours FILE")


@pytest.mark.parametrize(("environment", "others"), [("colours", []), ("config:", []), ("config:a", ["A=b"])])
def test_object_has_kind_and_name(environment: str, others: list[str]) -> None:
    """It has the whole configuration, so that nothing else may be given. The error says what, why and how."""
    assert require_object("secret:a-1", []) == "secret:a-1"
    with pytest.raises(SettingsError, match=r"^--env-from .*(together|neither)") as caught:
        require_object(environment, others)
    assert caught.value.why
    assert caught.value.how
