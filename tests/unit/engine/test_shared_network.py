from __future__ import annotations

from typing import Any

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Container
from tests.unit.fakes.sdk import Client, Row, container_attrs


def in_shared_network(holder: dict[str, Any] | None, **state: str) -> Container:
    """Return a release that shares the network of a port holder, as the engine answers it.

    `holder` and `state` have changes to the states of the two. None stands for a holder that has gone.
    """
    client = Client()
    own = {"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-23T14:20:00.5Z"} | state
    attrs = container_attrs(
        State=own, HostConfig={"NetworkMode": "container:beef"}, NetworkSettings={"Ports": {}, "Networks": {}}
    )
    client.containers.append(Row("hello-dock-prod", attrs))
    if holder is not None:
        state_of_holder = {"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-23T14:20:00.25Z"} | holder
        client.containers.append(Row("hello-dock-prod-port", container_attrs(Id="beef", State=state_of_holder)))
    engine = DockerEngine(lambda: (client, client.version()))
    container = engine.container("hello-dock-prod")
    assert container is not None
    (listed,) = [row for row in engine.containers("hello-dock") if row.id == container.id]
    assert listed == container
    return container


def test_container_in_a_shared_network_has_the_ports_and_addresses_of_the_owner() -> None:
    """Docker itself lists neither for such a container."""
    container = in_shared_network({})
    assert container.networks == {"bridge": "172.17.0.2"}
    assert (container.url, container.cut_off, container.serves) == ("http://127.0.0.1:8080", False, True)


@pytest.mark.parametrize(
    "holder",
    [
        None,
        {"Status": "exited"},
        {"Status": "restarting"},
        {"StartedAt": "2026-11-23T14:20:00.51Z"},
        {"StartedAt": "2026-11-23T14:20:01Z"},
    ],
    ids=["gone", "stopped", "starting", "started later", "started a second later"],
)
def test_container_whose_network_has_gone_is_cut_off(holder: dict[str, str] | None) -> None:
    """The container runs, and may be healthy, but cannot be reached. Each start of the owner makes a new network."""
    container = in_shared_network(holder)
    assert (container.state, container.cut_off, container.serves, container.url) == ("running", True, False, "")


@pytest.mark.parametrize(
    ("holder", "release"),
    [("14:20:00Z", "14:20:00.5Z"), ("14:20:00.5Z", "14:20:00.51Z"), ("14:20:00.5Z", "14:20:00.5Z")],
)
def test_times_are_compared_without_the_zeros_that_docker_drops(holder: str, release: str) -> None:
    """Docker drops the zeros at the end of a fraction, so that a Z may stand where the other time has a digit."""
    container = in_shared_network({"StartedAt": f"2026-11-23T{holder}"}, StartedAt=f"2026-11-23T{release}")
    assert not container.cut_off


def test_stopped_container_is_not_cut_off() -> None:
    """A stopped container is reported as stopped, whatever its network is."""
    container = in_shared_network(None, Status="exited")
    assert (container.cut_off, container.serves) == (False, False)
