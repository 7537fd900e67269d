"""A release reaches every node of a real swarm, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.waiting import Probe, wait_until
from tests.fleet.conftest import PORT
from tests.support.commands import docker
from tests.support.fleet import NODES, FleetUnderTest
from tests.support.project import ProjectUnderTest

FAILS_ON_NODE_2 = r"""RUN printf '%s\n' '#!/bin/sh' 'if grep -q "169.254.77.12$" /proc/net/fib_trie; then' \
    'sed -i "s#location / {#location / {\n return 503;#" /tmp/nginx/serving/site.conf; fi' \
    >/docker-entrypoint.d/40-fault.sh && chmod +x /docker-entrypoint.d/40-fault.sh
"""
"""A fault of the release that only one of the nodes has."""


def test_release_reaches_every_node_without_a_lost_request(
    fleet: FleetUnderTest, fleet_project: ProjectUnderTest, built_project: ProjectUnderTest
) -> None:
    """Visitors ask any node, or the load balancer, for pages and chunks. A node that fails the gate stops a release."""
    first, second = (fleet.release(built_project.image, number) for number in (1, 2))
    fleet_project.succeeds("deploy", f"--image={first}")
    assert {*fleet.titles(PORT)} == {"release 1"}
    addresses = [fleet.start_balancer(PORT), *(f"{fleet.address(number)}:{PORT}" for number in NODES)]
    with fleet.visitors(addresses) as counts:
        output = fleet_project.succeeds("deploy", f"--image={second}")
    assert f"Serving: {second}" in output
    assert {*fleet.titles(PORT)} == {"release 2"}
    assert counts["loads"] > 0
    assert (counts["lost"], counts["missing"]) == (0, 0), counts
    status = fleet_project.succeeds("status")
    assert status.count(second.partition("@")[2][:19]) >= len(NODES)
    assert f"Before it: {first}" in status

    broken = fleet.release(built_project.image, 3, FAILS_ON_NODE_2)
    refused = fleet_project.fails("deploy", f"--image={broken}")
    assert "does not pass the gate on every node" in refused
    assert f"({fleet.address(2)})" in refused
    assert f"({fleet.address(1)})" not in refused
    assert {*fleet.titles(PORT)} == {"release 2"}


@pytest.mark.long
def test_status_verifies_every_node(
    fleet: FleetUnderTest, fleet_project: ProjectUnderTest, built_project: ProjectUnderTest
) -> None:
    """One row each. A node that visitors do not reach fails."""
    image = fleet.push(f"FROM {built_project.image}\n", "as-built")
    fleet_project.succeeds("deploy", f"--image={image}")
    rows = [line for line in fleet_project.succeeds("status", "--verify").splitlines() if " passed " in line]
    assert len(rows) == len(NODES)
    assert all(row.endswith(" -") for row in rows)
    rule = ["INPUT", "--protocol", "tcp", "--dport", str(PORT), "--jump", "REJECT"]
    assert fleet.run(3, "iptables", "--insert", *rule).ok
    try:
        output = fleet_project.fails("status", "--verify")
    finally:
        assert fleet.run(3, "iptables", "--delete", *rule).ok
    assert "What these nodes serve is not right: " in output
    assert f"({fleet.address(3)})" in output


@pytest.mark.long
def test_stack_file_runs_without_the_tasks(
    fleet: FleetUnderTest, fleet_project: ProjectUnderTest, built_project: ProjectUnderTest, tmp_path: Path
) -> None:
    """The file of --stack runs with plain `docker stack deploy`."""
    image = fleet.release(built_project.image, 4)
    path = tmp_path / "stack.yml"
    output = fleet_project.succeeds("deploy", f"--image={image}", f"--stack={path}")
    assert f"Written: {path}" in output
    docker("stack", "deploy", "--compose-file", str(path), fleet_project.name, host=fleet.host())
    assert wait_until(lambda: Probe({*fleet.titles(PORT)} == {"release 4"}), limit=120).ready
