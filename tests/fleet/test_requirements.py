"""What a node lacks is said before anything changes, on a real swarm."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from docktasks.waiting import Probe, wait_until
from tests.fleet.conftest import PORT
from tests.support.commands import docker
from tests.support.fleet import MIGRATE, FleetUnderTest
from tests.support.project import ProjectUnderTest

LISTEN = """import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
print("up", flush=True)
while True:
    server.accept()
"""


def availability(fleet: FleetUnderTest, number: int, value: str) -> None:
    """Change whether a node takes tasks."""
    node = docker("info", "--format", "{{.Swarm.NodeID}}", host=fleet.host(number)).strip()
    docker("node", "update", "--availability", value, node, host=fleet.host())


@contextmanager
def busy_port(fleet: FleetUnderTest, port: int) -> Iterator[None]:
    """Let another program listen on a port of the third node."""
    args = [*fleet.engines[2].enter, sys.executable, "-c", LISTEN, str(port)]
    with subprocess.Popen(args, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"up\n"
            yield
        finally:
            process.kill()  # else the end of the block waits for it


@contextmanager
def sysctl_off(fleet: FleetUnderTest) -> Iterator[None]:
    """Let the third node drop waiting connections."""
    assert fleet.run(3, "sysctl", "-qw", f"{MIGRATE}=0").ok
    try:
        yield
    finally:
        assert fleet.run(3, "sysctl", "-qw", f"{MIGRATE}=1").ok


@contextmanager
def paused(fleet: FleetUnderTest) -> Iterator[None]:
    """Let the third node take no new task."""
    availability(fleet, 3, "pause")
    try:
        yield
    finally:
        availability(fleet, 3, "active")


@contextmanager
def without_registry(fleet: FleetUnderTest) -> Iterator[None]:
    """Refuse the third node's connections to the registry."""
    rule = ["OUTPUT", "--protocol", "tcp", "--dport", str(fleet.registry.port), "--jump", "REJECT"]
    assert fleet.run(3, "iptables", "--insert", *rule).ok
    try:
        yield
    finally:
        assert fleet.run(3, "iptables", "--delete", *rule).ok


@contextmanager
def dead_node(fleet: FleetUnderTest) -> Iterator[None]:
    """Kill the third node, and wait until the manager knows it."""
    fleet.engines[2].kill()
    states = ["node", "ls", "--format", "{{.Status}}"]
    try:
        assert wait_until(lambda: Probe("Down" in docker(*states, host=fleet.host())), 60, 1).ready
        yield
    finally:
        fleet.engines[2].start()


FAULTS = {
    "sysctl": (sysctl_off, f"sysctl -w {MIGRATE}=1"),
    "candidate's port": (lambda fleet: busy_port(fleet, 8079), "Port 8079 of"),
    "paused": (paused, "docker node update --availability active"),
    "registry": (without_registry, "docker pull"),
    "dead": (dead_node, "docker node rm"),
}


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
def test_node_that_lacks_something_stops_the_release(
    fleet: FleetUnderTest, fleet_project: ProjectUnderTest, built_project: ProjectUnderTest, fault: str
) -> None:
    """The error has the node's name and what to do there, and every node serves what it served."""
    numbers = {name: 300 + index for index, name in enumerate(FAULTS)}
    fleet_project.succeeds("deploy", f"--image={fleet.release(built_project.image, 310)}")
    image = fleet.release(built_project.image, numbers[fault], f"RUN echo {fault!r} >/srv/site/fault.txt\n")
    break_node, advice = FAULTS[fault]
    with break_node(fleet):
        refused = fleet_project.fails("deploy", f"--image={image}")
        assert advice in refused
        assert f"({fleet.address(3)})" in refused
        assert f"({fleet.address(1)})" not in refused
        assert "Nothing was changed" in refused
    assert wait_until(lambda: Probe({*fleet.titles(PORT)} == {"release 310"}), 60, 1).ready


@pytest.mark.long
def test_port_of_the_site_is_free_on_each_node(
    fleet: FleetUnderTest, fleet_project: ProjectUnderTest, built_project: ProjectUnderTest
) -> None:
    """Before the first release, when no node serves."""
    docker("stack", "rm", fleet_project.name, host=fleet.host())
    assert wait_until(lambda: Probe(not fleet.titles(PORT)), 60, 1).ready
    with busy_port(fleet, PORT):
        refused = fleet_project.fails("deploy", f"--image={fleet.release(built_project.image, 311)}")
    assert f"Port {PORT} of" in refused
    assert not fleet.titles(PORT)


@pytest.mark.long
def test_drained_node_gets_the_release_when_it_comes_back(
    fleet: FleetUnderTest, fleet_project: ProjectUnderTest, built_project: ProjectUnderTest
) -> None:
    """It stops nothing meanwhile."""
    fleet_project.succeeds("deploy", f"--image={fleet.release(built_project.image, 312)}")
    availability(fleet, 3, "drain")
    try:
        output = fleet_project.succeeds("deploy", f"--image={fleet.release(built_project.image, 313)}")
        assert fleet.address(3) not in output
    finally:
        availability(fleet, 3, "active")
    titles = ["release 313"] * 12
    assert wait_until(lambda: Probe(fleet.titles(PORT) == titles), 60, 1).ready


@pytest.mark.long
def test_image_of_another_platform_is_refused(
    fleet: FleetUnderTest, fleet_project: ProjectUnderTest, built_project: ProjectUnderTest
) -> None:
    """No node could run it."""
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", built_project.image))
    lines = "\n".join(f"LABEL {name}={json.dumps(value)}" for name, value in labels.items())
    image = fleet.push(f"FROM scratch\n{lines}\n", "arm64", "--platform", "linux/arm64")
    refused = fleet_project.fails("deploy", f"--image={image}")
    assert refused.count("is amd64, and the image is for arm64. Build it for both") == 3
