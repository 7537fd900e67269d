"""The project's own networks: how they are made, what is wrong with one, and when they are removed."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from docktasks.api import Api, Upstream
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers import networks
from docktasks.engine.models import Network
from docktasks.errors import ConflictError, StartError
from docktasks.roles import DEV, PROD, Role
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner

LABELS = {"hello-dock.project": "hello-dock", "hello-dock.role": "prod"}
ICC, MASQUERADE = "com.docker.network.bridge.enable_icc", "com.docker.network.bridge.enable_ip_masquerade"
CLOSED = {ICC: "false", MASQUERADE: "false"}
NAME = "hello-dock-prod"

# As Docker 26 and 28 print them.
EXHAUSTED = (
    "Error response from daemon: could not find an available, non-overlapping IPv4 address pool among the defaults to "
    "assign to the network"
)
FULLY_SUBNETTED = "Error response from daemon: all predefined address pools have been fully subnetted"
NO_FILTER = (
    "Error response from daemon: cannot restrict inter-container communication or run without the userland proxy: "
    "please ensure that br_netfilter kernel module is loaded"
)


def project_on(settings: Settings, answer: Result | None = None, network: Network | None = None) -> Project:
    """Return a project on an engine with this network of production; `answer` is the result of its creation."""
    engine = FakeEngine()
    if network:
        engine.network_store[NAME] = network
    return Project(Runner(engine, {"docker network create": answer} if answer else {}), engine, settings)


def test_create_args_of_both_networks(settings: Settings) -> None:
    """The whole commands: in none do containers reach each other, and production has no way out."""
    assert shlex.join(networks.create_args(settings, PROD)) == (
        "docker network create --label hello-dock.project=hello-dock --label hello-dock.role=prod"
        " --opt com.docker.network.bridge.enable_icc=false --opt com.docker.network.bridge.enable_ip_masquerade=false"
        " hello-dock-prod"
    )
    assert shlex.join(networks.create_args(settings, DEV)) == (
        "docker network create --label hello-dock.project=hello-dock --label hello-dock.role=dev"
        " --opt com.docker.network.bridge.enable_icc=false hello-dock-dev"
    )


@pytest.mark.parametrize(
    ("role", "expected"), [(PROD, "--network hello-dock-prod --dns 0.0.0.0"), (DEV, "--network hello-dock-dev")]
)
def test_join_args_leave_production_without_a_resolver(settings: Settings, role: Role, expected: str) -> None:
    """Development installs packages, so it resolves names."""
    assert " ".join(networks.join_args(settings, role)) == expected


def test_ensure_creates_a_missing_network_once(settings: Settings) -> None:
    """The second call finds it."""
    project = project_on(settings)
    networks.ensure(project, PROD)
    networks.ensure(project, PROD)
    assert isinstance(project.run, Runner)
    assert project.run.ran == [networks.create_args(settings, PROD)]
    assert project.engine.network(NAME) == Network(LABELS, CLOSED)


def test_ensure_accepts_a_network_that_another_task_has_just_created(settings: Settings) -> None:
    """The two copies that verify starts need it at the same moment."""
    networks.ensure(project_on(settings, Result(1, f"network with name {NAME} already exists")), PROD)


@pytest.mark.parametrize("labels", [{}, {"hello-dock.project": "shop"}], ids=["of nobody", "of another project"])
def test_network_of_others_is_a_conflict(settings: Settings, labels: dict[str, str]) -> None:
    """The error names two ways out, and nothing is changed."""
    project = project_on(settings, network=Network(labels))
    with pytest.raises(ConflictError, match=f"did not create the network {NAME}") as caught:
        networks.ensure(project, PROD)
    assert f"docker network rm {NAME}" in caught.value.how
    assert "INVOKE_APP_NAME=" in caught.value.how


@pytest.mark.parametrize(
    ("output", "what", "how"),
    [
        (EXHAUSTED, "Docker has no addresses left for the network hello-dock-prod.", "docker network rm NAME"),
        (FULLY_SUBNETTED, "Docker has no addresses left for the network hello-dock-prod.", "default-address-pools"),
        (NO_FILTER, "This kernel cannot keep the containers of a network apart.", "sudo modprobe br_netfilter"),
        ("permission denied", "The network hello-dock-prod cannot be created.", "what Docker says above"),
    ],
    ids=["exhausted", "fully subnetted", "no filter", "other"],
)
def test_network_that_cannot_be_created_is_explained(settings: Settings, output: str, what: str, how: str) -> None:
    """The error has Docker's words, and a way out."""
    with pytest.raises(StartError) as caught:
        networks.ensure(project_on(settings, Result(1, output)), PROD)
    assert (caught.value.what, caught.value.evidence) == (what, output)
    assert how in caught.value.how


@pytest.mark.parametrize(("members", "removed"), [((), True), (("hello-dock-dev-test-1",), False)])
def test_network_is_removed_when_no_container_uses_it(
    settings: Settings, members: tuple[str, ...], *, removed: bool
) -> None:
    """A tool may still run when the dev server ends."""
    project = project_on(settings, network=Network(LABELS, members=members))
    networks.remove_unused(project, PROD)
    networks.remove_unused(project, DEV)  # there is none, which is no error
    assert (project.engine.network(NAME) is None) is removed


@pytest.mark.parametrize(
    ("networks_of_it", "network", "evidence"),
    [
        ({NAME: "172.18.0.2"}, Network(LABELS, CLOSED), []),
        (
            {"bridge": "172.17.0.2"},
            Network(LABELS, CLOSED),
            ["it is in the network bridge", f"it is not in the project's own network {NAME}"],
        ),
        ({NAME: "", "shop": ""}, Network(LABELS, CLOSED), ["it is in the network shop"]),
        ({NAME: ""}, None, [f"it is not in the project's own network {NAME}"]),
        ({NAME: ""}, Network({}, CLOSED), [f"hello-dock did not create the network {NAME}"]),
        ({NAME: ""}, Network(LABELS, {MASQUERADE: "false"}), [f"network {NAME}: {ICC} is not set, not false"]),
        ({NAME: ""}, Network(LABELS, CLOSED | {ICC: "true"}), [f"network {NAME}: {ICC} is true, not false"]),
        ({NAME: ""}, Network(LABELS, {ICC: "false"}), [f"network {NAME}: {MASQUERADE} is not set, not false"]),
        (
            {NAME: ""},
            Network(LABELS, CLOSED | {"com.docker.network.bridge.gateway_mode_ipv4": "nat-unprotected"}),
            [f"network {NAME}: com.docker.network.bridge.gateway_mode_ipv4 is nat-unprotected, not nat"],
        ),
        ({NAME: ""}, Network(LABELS, CLOSED | {"com.docker.network.bridge.gateway_mode_ipv4": "nat"}), []),
    ],
)
def test_faults_name_each_way_around_the_network(
    settings: Settings, networks_of_it: dict[str, str], network: Network | None, evidence: list[str]
) -> None:
    """Its networks, whose it is, and its options, as Docker reports them."""
    container = own_container("prod", networks=networks_of_it)
    assert list(networks.faults(project_on(settings, network=network), container, PROD)) == evidence


def test_development_may_have_a_way_out(settings: Settings) -> None:
    """It installs packages."""
    project = project_on(settings)
    networks.ensure(project, DEV)
    container = own_container("dev", networks={"hello-dock-dev": "172.19.0.2"})
    assert list(networks.faults(project, container, DEV)) == []


@pytest.mark.parametrize(
    ("answer", "reached"),
    [
        (Result(0), "http://172.18.0.2:80/"),
        (Result(1, "wget: server returned error: HTTP/1.1 403 Forbidden"), "http://172.18.0.2:80/"),
        (Result(1, "wget: error getting response: Connection reset by peer"), "http://172.18.0.2:80/"),
        (Result(1, "wget: download timed out"), ""),
    ],
    ids=["answers", "refuses", "closes", "dropped"],
)
def test_reached_address_is_one_that_answers(answer: Result, reached: str) -> None:
    """An error of the server is an answer, too."""
    asked: list[tuple[str, Any]] = []

    class Visited(FakeEngine):
        def exec(self, name: str, args: list[str]) -> Result:
            """Answer each request in the same way."""
            asked.append((name, args[-1]))
            return answer

    container = own_container("prod", networks={NAME: "172.18.0.2", "down": ""})
    assert networks.reached_address(Visited(), "visitor", container, 80) == reached
    assert asked == [("visitor", "http://172.18.0.2:80/")]


def with_api(settings: Settings, address: str, network: str = "") -> Settings:
    """Return the settings with an API."""
    return replace(settings, api=Api((Upstream("/api", address),), network))


@pytest.mark.parametrize(
    ("address", "network", "expected", "reach"),
    [
        ("http://api:8000", "shop", "--network hello-dock-prod --dns 0.0.0.0", "hello-dock-prod shop"),
        ("http://host.docker.internal:8000", "",
         "--network hello-dock-prod-out --add-host host.docker.internal:host-gateway",
         "hello-dock-prod-out host.docker.internal"),
        ("https://api.example.com", "", "--network hello-dock-prod-out", "hello-dock-prod-out"),
        ("https://api.example.com", "shop", "--network hello-dock-prod-out", "hello-dock-prod-out shop"),
    ],
)  # fmt: skip
def test_production_has_a_way_out_to_an_api_outside_only(
    settings: Settings, address: str, network: str, expected: str, reach: str
) -> None:
    """An API in a network of Docker needs none. Development has one anyway."""
    other = with_api(settings, address, network)
    assert " ".join(networks.join_args(other, PROD)) == expected
    assert networks.reach(other) == reach
    assert "enable_ip_masquerade" not in " ".join(networks.create_args(with_api(settings, "https://x.example"), PROD))
    assert "--network hello-dock-dev" in " ".join(networks.join_args(other, DEV))


def test_network_of_the_api_must_be_there_and_of_others(settings: Settings) -> None:
    """The errors say what the setting names, and how to see the networks."""
    project = project_on(with_api(settings, "http://api:8000", "shop"))
    with pytest.raises(ConflictError, match="There is no network shop"):
        networks.require_api_network(project)
    assert isinstance(project.engine, FakeEngine)
    project.engine.network_store["shop"] = Network(LABELS)
    with pytest.raises(ConflictError, match="shop is a network of this project"):
        networks.require_api_network(project)
    project.engine.network_store["shop"] = Network()
    networks.require_api_network(project)
    networks.require_api_network(project_on(settings))


def test_containers_are_in_the_network_of_the_api(settings: Settings) -> None:
    """A container that is not in it does not reach the API, and that is a fault; another network is one, too."""
    project = project_on(with_api(settings, "http://api:8000", "shop"), network=Network(LABELS, CLOSED))
    inside = replace(own_container("prod"), networks={NAME: "", "shop": ""})
    assert list(networks.faults(project, inside, PROD)) == []
    outside = replace(inside, networks={NAME: "", "other": ""})
    assert list(networks.faults(project, outside, PROD)) == [
        "it is in the network other",
        "it is not in the API's network shop",
    ]


@pytest.mark.parametrize(
    ("address", "network", "count"),
    [("http://api:8000", "", 1), ("http://api:8000", "shop", 0), ("https://api.example.com", "", 0)],
)
def test_name_of_a_container_without_a_network_is_a_notice(
    settings: Settings, address: str, network: str, count: int
) -> None:
    """It may be a name that the machine's DNS server knows, so it is no error."""
    notices = networks.api_notices(with_api(settings, address, network))
    assert len(notices) == count
    assert all("INVOKE_API_NETWORK=" in notice for notice in notices)
