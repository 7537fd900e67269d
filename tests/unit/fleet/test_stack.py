"""The stack file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docktasks.app.manifest import parse_yaml
from docktasks.app.project import Project
from docktasks.fleet.stack import Stack, configuration
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner
from tests.unit.fleet.conftest import A


def parsed(stack: Stack) -> dict[str, Any]:
    """Return the site's service."""
    service: dict[str, Any] = parse_yaml(stack.text())["services"]["site"]
    return service


def test_next_task_starts_before_the_last_one_stops(settings: Settings) -> None:
    """Swarm takes a failed change back, and changes one node at a time. The container is as locked as run-prod's."""
    service = parsed(Stack(settings, A))
    update = service["deploy"]["update_config"]
    assert (update["order"], update["parallelism"], update["failure_action"]) == ("start-first", 1, "rollback")
    assert service["deploy"]["rollback_config"]["order"] == "start-first"
    assert service["deploy"]["mode"] == "global"
    assert service["deploy"]["resources"]["limits"] == {"memory": "64m", "pids": 64}
    assert (service["read_only"], service["cap_drop"], service["networks"]) == (True, ["ALL"], ["node"])


def test_health_check_asks_its_own_nginx(settings: Settings) -> None:
    """Not the shared port, on which the task that is replaced may answer. Docker reads two dollars as one."""
    service = parsed(Stack(settings, A))
    assert service["healthcheck"]["test"][1] == "wget -q -O /dev/null http://$$(cat /tmp/own-address)/healthz"
    assert service["environment"]["HELLO_DOCK_TASK"] == "{{.Task.ID}}"


def test_candidate_listens_elsewhere(settings: Settings) -> None:
    """It is a stack of its own, so that it takes no visitor."""
    stack, candidate = Stack(settings, A), Stack(settings, A, is_candidate=True)
    ports = [parsed(text)["environment"]["HELLO_DOCK_LISTEN"] for text in (stack, candidate)]
    assert ports == [str(settings.fleet.host_port), str(settings.fleet.candidate_port)]
    assert (stack.name, candidate.name) == ("hello-dock", "hello-dock-candidate")


def test_configuration_of_the_page_stays_as_it_is(settings: Settings) -> None:
    """A dollar or a quote in it is no variable of Docker's and no end of a text."""
    service = parsed(Stack(settings, A, {"hello-dock.fleet.release": A}, '{"API_URL": "https://a.example/$x\'"}'))
    assert service["environment"]["HELLO_DOCK_ENV"] == '{"API_URL": "https://a.example/$$x\'"}'
    assert service["environment"]["HELLO_DOCK_CONNECT"] == "https://a.example"
    assert service["deploy"]["labels"] == {"hello-dock.project": "hello-dock", "hello-dock.fleet.release": A}


def with_fleet(settings: Settings, **changes: Any) -> Settings:
    """Return the settings with another fleet."""
    return replace(settings, fleet=replace(settings.fleet, **changes))


def test_task_with_a_published_port_drains_before_it_stops(settings: Settings) -> None:
    """The next one can have the port only then. Also an expansion and a rollback change one node after the other."""
    changed = with_fleet(settings, network="bridge", delay=7)
    service = parsed(Stack(changed, A, parallelism=0))
    assert service["entrypoint"] == ["drain", "7", "/docker-entrypoint.sh"]
    assert service["ports"] == [{"target": 80, "published": settings.fleet.host_port, "mode": "host"}]
    update, rollback = (service["deploy"][name] for name in ("update_config", "rollback_config"))
    assert (update["order"], update["parallelism"]) == (rollback["order"], rollback["parallelism"]) == ("stop-first", 1)
    assert (update["delay"], rollback["delay"]) == ("7s", "7s")
    assert service["stop_grace_period"] == f"{settings.prod.drain_timeout + 7}s"
    assert service["healthcheck"]["test"][1].endswith("http://127.0.0.1/healthz")
    assert "HELLO_DOCK_LISTEN" not in service["environment"]
    assert parse_yaml(Stack(changed, A).text())["networks"] == {"node": {"external": True, "name": "bridge"}}


def test_candidate_does_not_drain(settings: Settings) -> None:
    """It has no visitors, and the deployment waits until it has stopped."""
    service = parsed(Stack(with_fleet(settings, network="bridge", delay=7), A, is_candidate=True))
    assert service["entrypoint"][:2] == ["drain", "0"]
    assert service["stop_grace_period"] == f"{settings.prod.drain_timeout}s"


def test_replicas_are_as_many_as_the_setting_says(settings: Settings) -> None:
    """Two tasks of a node cannot publish the same port. The candidate runs on every node, which may get a task."""
    changed = with_fleet(settings, network="bridge", replicas=2)
    deploy = parsed(Stack(changed, A))["deploy"]
    assert (deploy["mode"], deploy["replicas"], deploy["placement"]) == ("replicated", 2, {"max_replicas_per_node": 1})
    assert parsed(Stack(changed, A, is_candidate=True))["deploy"]["mode"] == "global"


@pytest.mark.parametrize("kind", ["config", "secret"])
def test_object_of_the_swarm_has_the_configuration(settings: Settings, kind: str) -> None:
    """The variable has its path, by which the next deployment knows it."""
    stack = Stack(settings, A, page_config=f"{kind}:colours-2")
    service = parsed(stack)
    assert service[f"{kind}s"] == [{"source": "env", "target": f"/run/{kind}/colours-2"}]
    assert parse_yaml(stack.text())[f"{kind}s"] == {"env": {"external": True, "name": "colours-2"}}
    assert "HELLO_DOCK_ENV" not in service["environment"]
    variables = [f"{name}={value}" for name, value in service["environment"].items()]
    assert configuration(variables) == f"{kind}:colours-2"
    assert configuration(['HELLO_DOCK_ENV={"a":"b"}', "PATH=/bin"]) == '{"a":"b"}'


def test_stack_is_given_to_swarm(tmp_path: Path, settings: Settings) -> None:
    """No registry is asked for the digest, which the file has."""
    stack, run, path = Stack(settings, A), Runner(), tmp_path / "hello-dock.yml"
    stack.deploy(Project(run, FakeEngine(), settings), tmp_path)
    assert path.read_text() == stack.text()
    assert run.ran == [[
        "docker", "stack", "deploy", "--detach", "--with-registry-auth", "--resolve-image", "never",
        "--compose-file", str(path), "hello-dock",
    ]]  # fmt: skip
