"""What a swarm needs is asked before anything changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from docktasks.engine.models import Image
from docktasks.errors import FleetError
from docktasks.fleet import requirements
from docktasks.fleet.requirements import NodeFacts
from docktasks.fleet.swarm import Node, Swarm, require_manager
from tests.unit.fakes.runner import Runner
from tests.unit.fleet.conftest import A, SwarmEngine, node, service, task, with_fleet

SCRIPT = "/docker-entrypoint.d/32-hello-dock-listen.sh"
IMAGE = Image(A, architecture="amd64")
REPORT = "node=id1 script={script} kernel=6.1.0 migrate={migrate} first_port=1024 listening={listening}\n"


def test_node_has_the_address_of_its_label() -> None:
    """Otherwise a manager has the one by which the others reach it."""
    assert Node.parse(node(1)).address == "10.0.0.1"
    manager = node(1) | {"ManagerStatus": {"Addr": "10.9.0.1:2377"}}
    assert Node.parse(manager).address == "10.9.0.1"
    assert Node.parse(node(1, **{"hello-dock.address": "203.0.113.7"})).address == "203.0.113.7"
    assert Node.parse(node(1)).architecture == "amd64"


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"state": "down"}, "docker node rm id2"),
        ({"availability": "pause"}, "docker node update --availability active id2"),
        ({"engine": "20.10.24"}, "Upgrade it to 23"),
        ({"architecture": "arm64"}, "Build it for both"),
    ],
)
def test_node_that_cannot_get_the_release_stops_it(change: dict[str, Any], advice: str) -> None:
    """Each one is named, with what to do."""
    nodes = [Node.parse(node(1)), replace(Node.parse(node(2)), **change)]
    with pytest.raises(FleetError) as caught:
        requirements.require_nodes(nodes, IMAGE, 0)
    assert "harbour2 (10.0.0.2)" in caught.value.evidence
    assert "harbour1" not in caught.value.evidence
    assert advice in caught.value.evidence


def test_drained_node_gets_nothing() -> None:
    """Swarm has stopped what ran there."""
    nodes = [Node.parse(node(1)), Node.parse(node(2, availability="drain"))]
    assert requirements.require_nodes(nodes, IMAGE, 0) == nodes[:1]
    with pytest.raises(FleetError) as caught:
        requirements.require_nodes(nodes[1:], IMAGE, 0)
    assert "No node takes tasks" in caught.value.evidence


def test_more_replicas_than_nodes_are_refused() -> None:
    """Those without a node would wait for ever. A drained node gets none."""
    nodes = [Node.parse(node(1)), Node.parse(node(2)), Node.parse(node(3, availability="drain"))]
    assert requirements.require_nodes(nodes, IMAGE, 2) == nodes[:2]
    with pytest.raises(FleetError) as caught:
        requirements.require_nodes(nodes, IMAGE, 3)
    assert caught.value.evidence.startswith("fleet.replicas is 3, and 2 nodes can have")
    assert caught.value.why.startswith("Nothing was changed")


@pytest.mark.parametrize(
    ("script", "migrate", "listening", "advice"),
    [
        (SCRIPT, "0", "", "sysctl -w net.ipv4.tcp_migrate_req=1"),
        (SCRIPT, "", "", "older than 5.14"),
        (SCRIPT, "1", "1F90,", "Port 8080 of harbour1 (10.0.0.1) is in use"),
        (SCRIPT, "1", "1F8F,", "Port 8079 of harbour1 (10.0.0.1) is in use"),
        ("", "1", "", "The image lacks /docker-entrypoint.d/32-hello-dock-listen.sh"),
    ],
)
def test_node_says_what_it_lacks(
    swarm_of: Callable[..., Swarm], script: str, migrate: str, listening: str, advice: str
) -> None:
    """A job on every node asks the kernel. The job is removed."""
    engine = SwarmEngine(services=[service(A, "hello-dock-check0")], tasks=[task(1, A, "complete")])
    engine.report = REPORT.format(script=script, migrate=migrate, listening=listening)
    run = Runner(engine)
    with pytest.raises(FleetError) as caught:
        requirements.require_ready(swarm_of(engine, run), [Node.parse(node(1))], [A], lossy=False)
    assert advice in caught.value.evidence
    assert run.lines[-1] == "docker service rm hello-dock-check0"


def published_nodes(engine: SwarmEngine) -> list[Node]:
    """Return two nodes, which are ready for a service with a published port."""
    engine.parts = {
        "services": [service(A, "hello-dock-check0")],
        "tasks": [task(number, A, "complete") for number in (1, 2)],
    }
    line = REPORT.format(script="/usr/local/bin/drain", migrate="0", listening="")
    engine.report = line + line.replace("id1", "id2")
    return [Node.parse(node(number)) for number in (1, 2)]


def test_published_port_needs_nothing_of_the_kernel(swarm_of: Callable[..., Swarm]) -> None:
    """The load balancer sends no connection to a task that is about to stop. Docker publishes a port below 1024."""
    engine = SwarmEngine()
    run = Runner(engine)
    swarm = with_fleet(swarm_of(engine, run), network="bridge", host_port=80)
    assert requirements.require_ready(swarm, published_nodes(engine), [A], lossy=False) == []
    assert "SCRIPT=/usr/local/bin/drain" in run.lines[0]


@pytest.mark.parametrize(("node_count", "replicas"), [(1, 0), (2, 1)])
def test_only_task_with_a_published_port_is_told(
    swarm_of: Callable[..., Swarm], node_count: int, replicas: int
) -> None:
    """It stops before the next one starts, and no other node serves meanwhile."""
    engine = SwarmEngine()
    nodes = published_nodes(engine)[:node_count]
    swarm = with_fleet(swarm_of(engine), network="bridge", replicas=replicas)
    assert requirements.require_ready(swarm, nodes, [A], lossy=False) == [requirements.ONE_TASK]


def test_lossy_deployment_is_a_choice(swarm_of: Callable[..., Swarm]) -> None:
    """What it loses is said."""
    engine = SwarmEngine(services=[service(A, "hello-dock-check0")], tasks=[task(1, A, "complete")])
    engine.report = REPORT.format(script=SCRIPT, migrate="0", listening="0016,")
    notices = requirements.require_ready(swarm_of(engine), [Node.parse(node(1))], [A], lossy=True)
    assert len(notices) == 1
    assert "loses waiting connections" in notices[0]


def test_node_that_cannot_load_the_image_stops_the_release(swarm_of: Callable[..., Swarm]) -> None:
    """The error has what that node says."""
    tasks = [task(1, A, "complete"), task(2, A, "rejected", "No such image: app")]
    engine = SwarmEngine(services=[service(A, "hello-dock-check0")], tasks=tasks)
    nodes = [Node.parse(node(number)) for number in (1, 2)]
    with pytest.raises(FleetError, match="Not every node has the image") as caught:
        requirements.require_ready(swarm_of(engine), nodes, [A], lossy=False)
    assert caught.value.evidence == "harbour2 (10.0.0.2): No such image: app"


def test_kernel_that_hands_over_nothing_is_told() -> None:
    """check.sh prints an empty value where the kernel lacks the setting."""
    assert NodeFacts.parse("node=id1 script= kernel=5.10 migrate= first_port= listening=0050,1F90,") == (
        "id1",
        NodeFacts("", "5.10", "", 1024, frozenset({80, 8080})),
    )


@pytest.mark.parametrize(("state", "why"), [("worker", "It is a worker"), ("inactive", "It is in no swarm")])
def test_only_a_manager_deploys(swarm_of: Callable[..., Swarm], state: str, why: str) -> None:
    """Another engine cannot change services."""
    engine = SwarmEngine()
    engine.swarm_state = state
    with pytest.raises(FleetError) as caught:
        require_manager(swarm_of(engine).project)
    assert why in caught.value.why
