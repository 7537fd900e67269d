"""Many deployments under load, and faults at every step: the nodes never serve different releases afterwards."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from itertools import count

import pytest

from docktasks.waiting import Probe, wait_until
from tests.fleet.conftest import PORT
from tests.fleet.test_deploy import FAILS_ON_NODE_2
from tests.support.fleet import NODES, FleetUnderTest
from tests.support.project import ProjectUnderTest
from tests.support.running_task import RunningTask, StartTask

DEPLOYMENTS = 20
REQUESTS_PER_DEPLOYMENT = 15_000
SETTLE_TIMEOUT_S = 180
FAILS_WHERE_VISITORS_COME = r"""RUN printf '%s\n' '#!/bin/sh' \
    'if [ "$HELLO_DOCK_LISTEN" = 8080 ] && grep -q "169.254.77.12$" /proc/net/fib_trie; then exit 3; fi' \
    >/docker-entrypoint.d/40-fault.sh && chmod +x /docker-entrypoint.d/40-fault.sh
"""
"""A release that passes the gate on every node, and does not start on the second one when it gets visitors."""

STEPS = ["images with the files", "every node has app", "gate passed", "every node has the files"]
"""What `deploy` prints after its steps."""

NewRelease = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def new_release(fleet: FleetUnderTest, built_project: ProjectUnderTest) -> NewRelease:
    """A function that makes a release with the Dockerfile lines of a fault. It returns its number and its digest."""
    numbers = count(100)

    def make(layer: str = "") -> tuple[int, str]:
        number = next(numbers)
        return number, fleet.release(built_project.image, number, layer)

    return make


@pytest.fixture(scope="module")
def serving_project(fleet_project: ProjectUnderTest, new_release: NewRelease) -> ProjectUnderTest:
    """The project, with a release on every node."""
    fleet_project.succeeds("deploy", f"--image={new_release()[1]}")
    return fleet_project


def assert_nodes_serve(fleet: FleetUnderTest, *numbers: int) -> None:
    """Wait until all nodes serve one release, and check that it is one of these."""

    def look() -> Probe:
        titles = {*fleet.titles(PORT)}
        return Probe(len(titles) == 1 and titles <= {f"release {number}" for number in numbers}, str(titles))

    probe = wait_until(look, SETTLE_TIMEOUT_S, 1)
    assert probe.ready, probe.status


@pytest.mark.long
def test_no_request_is_lost_in_twenty_deployments(
    fleet: FleetUnderTest, serving_project: ProjectUnderTest, new_release: NewRelease
) -> None:
    """No chunk is missing either: pages and chunks are asked of different nodes, directly and through haproxy."""
    addresses = [fleet.start_balancer(PORT), *(f"{fleet.address(number)}:{PORT}" for number in NODES)]
    releases = [new_release() for _ in range(int(os.environ.get("FLEET_DEPLOYMENTS", DEPLOYMENTS)))]
    with fleet.visitors(addresses, 8) as counts:
        for number, image in releases:
            serving_project.succeeds("deploy", f"--image={image}")
            assert_nodes_serve(fleet, number)
    assert (counts["lost"], counts["missing"]) == (0, 0), counts
    assert counts["requests"] >= REQUESTS_PER_DEPLOYMENT * len(releases)


def kill_after(task: RunningTask, step: str) -> None:
    """Kill a deployment a moment after one of its steps."""
    task.wait_for(step, 300)
    wait_until(lambda: Probe(task.process.poll() is not None), random.uniform(0, 6), 0.1)  # noqa: S311 - no secret
    if task.process.poll() is None:
        task.kill()


@pytest.mark.long
@pytest.mark.parametrize("attempt", range(2 * len(STEPS)))
def test_killed_deployment_is_completed_by_the_next(
    fleet: FleetUnderTest,
    serving_project: ProjectUnderTest,
    new_release: NewRelease,
    start_task: StartTask,
    attempt: int,
) -> None:
    """Without another call, too, the nodes serve one release: Swarm completes the step, or takes it back."""
    before = fleet.titles(PORT)[0].split()[1]
    number, image = new_release()
    kill_after(start_task(serving_project, "deploy", f"--image={image}"), STEPS[attempt % len(STEPS)])
    assert_nodes_serve(fleet, int(before), number)
    serving_project.succeeds("deploy", f"--image={image}")
    assert_nodes_serve(fleet, number)


@pytest.mark.long
def test_interrupted_deployment_leaves_no_candidate(
    fleet: FleetUnderTest, serving_project: ProjectUnderTest, new_release: NewRelease, start_task: StartTask
) -> None:
    """Ctrl-C brings the nodes back before it ends."""
    before = fleet.titles(PORT)[0].split()[1]
    task = start_task(serving_project, "deploy", f"--image={new_release()[1]}")
    task.wait_for(STEPS[-1], 300)
    task.signal(signal.SIGTERM)
    task.wait_for_exit()
    assert_nodes_serve(fleet, int(before))
    assert "has the lock" not in serving_project.succeeds("status")


@pytest.mark.long
@pytest.mark.parametrize("attempt", range(2))
def test_release_that_fails_on_one_node_is_taken_back_on_all(
    fleet: FleetUnderTest, serving_project: ProjectUnderTest, new_release: NewRelease, attempt: int
) -> None:
    """It has passed the gate there."""
    before = fleet.titles(PORT)[0].split()[1]
    refused = serving_project.fails("deploy", f"--image={new_release(FAILS_WHERE_VISITORS_COME)[1]}")
    assert "does not serve on every node" in refused, attempt
    assert "Every node serves" in refused
    assert_nodes_serve(fleet, int(before))


@pytest.mark.long
@pytest.mark.parametrize("attempt", range(2))
def test_release_that_fails_the_gate_of_one_node_changes_nothing(
    fleet: FleetUnderTest, serving_project: ProjectUnderTest, new_release: NewRelease, attempt: int
) -> None:
    """The others have passed it."""
    before = fleet.titles(PORT)[0].split()[1]
    refused = serving_project.fails("deploy", f"--image={new_release(FAILS_ON_NODE_2)[1]}")
    assert "does not pass the gate on every node" in refused, attempt
    assert_nodes_serve(fleet, int(before))


@pytest.mark.long
def test_registry_that_dies_changes_nothing(
    fleet: FleetUnderTest, serving_project: ProjectUnderTest, new_release: NewRelease, start_task: StartTask
) -> None:
    """The images cannot be pushed. When every node has them, the registry is not needed any more."""
    before = fleet.titles(PORT)[0].split()[1]
    number, image = new_release()
    fleet.registry.stop()
    assert "could not be pushed" in serving_project.fails("deploy", f"--image={image}")
    assert_nodes_serve(fleet, int(before))
    fleet.registry.start(*fleet.enter)
    task = start_task(serving_project, "deploy", f"--image={image}")
    task.wait_for("gate passed", 300)
    fleet.registry.stop()
    assert task.wait_for_exit() == 0, task.output
    assert_nodes_serve(fleet, number)
    fleet.registry.start(*fleet.enter)


@pytest.mark.long
@pytest.mark.parametrize("step", STEPS[1:])
def test_node_that_dies_stops_the_release(
    fleet: FleetUnderTest, serving_project: ProjectUnderTest, new_release: NewRelease, start_task: StartTask, step: str
) -> None:
    """All nodes serve the release before, also the one that comes back."""
    before = fleet.titles(PORT)[0].split()[1]
    task = start_task(serving_project, "deploy", f"--image={new_release()[1]}")
    task.wait_for(step, 300)
    fleet.engines[2].kill()
    code = task.wait_for_exit(600)
    fleet.engines[2].start()
    assert code == 1, task.output
    assert_nodes_serve(fleet, int(before))


@pytest.mark.long
@pytest.mark.parametrize("step", [STEPS[1], STEPS[3]])
def test_manager_that_restarts_leaves_one_release(
    fleet: FleetUnderTest, serving_project: ProjectUnderTest, new_release: NewRelease, start_task: StartTask, step: str
) -> None:
    """The deployment may fail, and the next one works."""
    before = fleet.titles(PORT)[0].split()[1]
    number, image = new_release()
    task = start_task(serving_project, "deploy", f"--image={image}")
    task.wait_for(step, 300)
    fleet.engines[0].stop()
    fleet.engines[0].start()
    task.wait_for_exit(600)
    assert_nodes_serve(fleet, int(before), number)
    serving_project.succeeds("deploy", f"--image={image}")
    assert_nodes_serve(fleet, number)
