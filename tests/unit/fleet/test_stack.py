"""The stack file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docktasks.app.manifest import parse_yaml
from docktasks.fleet.stack import Stack, deploy_args
from docktasks.settings import Settings
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
    ports = [parsed(one)["environment"]["HELLO_DOCK_LISTEN"] for one in (stack, candidate)]
    assert ports == [str(settings.fleet.host_port), str(settings.fleet.candidate_port)]
    assert (stack.name, candidate.name) == ("hello-dock", "hello-dock-candidate")


def test_configuration_of_the_page_stays_as_it_is(settings: Settings) -> None:
    """A dollar or a quote in it is no variable of Docker's and no end of a text."""
    service = parsed(Stack(settings, A, {"hello-dock.fleet.release": A}, '{"API_URL": "https://a.example/$x\'"}'))
    assert service["environment"]["HELLO_DOCK_ENV"] == '{"API_URL": "https://a.example/$$x\'"}'
    assert service["environment"]["HELLO_DOCK_CONNECT"] == "https://a.example"
    assert service["deploy"]["labels"] == {"hello-dock.project": "hello-dock", "hello-dock.fleet.release": A}


def test_stack_is_given_to_swarm(tmp_path: Path, settings: Settings) -> None:
    """No registry is asked for the digest, which the file has."""
    path = Stack(settings, A).write(tmp_path)
    assert deploy_args("hello-dock", path) == [
        "docker", "stack", "deploy", "--detach", "--with-registry-auth", "--resolve-image", "never",
        "--compose-file", str(path), "hello-dock",
    ]  # fmt: skip
