"""Who reaches a release, and whom it reaches, on a real engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.network import free_port
from benchmarks.own_engine import OwnEngine
from docktasks.containers import networks
from docktasks.containers.ports import Bind
from docktasks.engine.models import Container
from docktasks.release import run_args
from docktasks.release.run_args import Release
from docktasks.roles import DEV, PROD
from docktasks.waiting import http_ready, wait_until
from tests.support.commands import docker
from tests.support.project import RUN_STAGED, ProjectFactory, ProjectUnderTest

OUTSIDE = "198.51.100.2"
"""An address for documentation, so it hides no other: https://www.rfc-editor.org/rfc/rfc5737."""


def reaches(project: ProjectUnderTest, visitor: str, container: Container) -> bool:
    """Return True if the container called `visitor` gets the page of a release at the release's own address."""
    return bool(networks.reached_address(project.engine, visitor, container, PROD.container_port))


def test_releases_of_two_projects_and_strangers_do_not_reach_each_other(
    new_project: ProjectFactory, built_project: ProjectUnderTest, unrelated_container: str
) -> None:
    """Not at their own addresses, and not by name; both are published."""
    projects = project, other = new_project(), new_project()
    for current in projects:
        current.stage(built_project.image)
        current.succeeds(*RUN_STAGED)
        assert current.get().status_code == 200
    release, other_release = project.container(), other.container()
    assert release.networks.keys() == {f"{project.name}-prod"}
    assert reaches(project, release.name, release)  # itself, so the address is right
    for visitor in (other_release.name, unrelated_container):
        assert not reaches(project, visitor, release)
    stranger = project.engine.container(unrelated_container)
    assert stranger is not None
    assert all(stranger.networks.values())
    for host in (other_release, stranger):
        assert not reaches(project, release.name, host)
    lookup = project.engine.exec(release.name, ["nslookup", "localhost.localdomain"])
    assert not lookup.ok


@pytest.mark.long
def test_port_holder_of_an_earlier_version_moves_to_the_projects_network(
    new_project: ProjectFactory, built_project: ProjectUnderTest
) -> None:
    """It is in Docker's default network. The next run-prod moves it, although the release is the same, and says so."""
    project = new_project(PROD_HOST_PORT=str(free_port()))
    project.stage(built_project.image)
    project.succeeds(*RUN_STAGED)
    settings, engine, before = project.settings(), project.engine, project.container("prod-port")
    image = engine.image(project.image)
    assert image is not None
    bind = Bind.parse(before.labels["hello-dock.publish"])
    docker("container", "rm", "--force", f"{project.name}-prod", before.name)
    holder = run_args.holder_args(settings, bind, before.image, engine.kernel)
    first = holder.index("--network")
    docker(*holder[1:first], *holder[first + 4 :])
    network_args = run_args.shared_network_args(settings, bind)
    docker(*run_args.prod_args(settings, "prod", Release(image), network_args, engine.api)[1:])
    assert wait_until(lambda: http_ready(project.container().url), limit=60).ready
    assert project.container().networks.keys() == {"bridge"}
    output = project.succeeds(*RUN_STAGED)
    assert "! The port holder is replaced by one in other networks." in output
    assert "after a gap of" in output
    assert project.container().networks.keys() == {f"{project.name}-prod"}
    project.assert_one_release_serves()
    assert "Serving already" in project.succeeds(*RUN_STAGED)


@pytest.mark.long  # test_recovery.py removes a port holder
def test_run_prod_replaces_a_network_that_was_removed(
    new_project: ProjectFactory, built_project: ProjectUnderTest
) -> None:
    """Docker starts no container whose network is gone, as after `docker network prune` while it was stopped."""
    project = new_project()
    project.stage(built_project.image)
    project.succeeds(*RUN_STAGED)
    docker("container", "stop", f"{project.name}-prod", f"{project.name}-prod-port")
    docker("network", "rm", f"{project.name}-prod")
    project.succeeds(*RUN_STAGED)
    assert project.get().status_code == 200
    project.assert_one_release_serves()


@pytest.fixture
def outside(own_engine: OwnEngine) -> Iterator[str]:
    """The address of a server on another machine: a network namespace that the second engine's host reaches."""
    script = 'ip link set lo up && echo up && exec "$0" -m http.server 80'
    command = ["unshare", "--net", "sh", "-c", script, sys.executable]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd="/usr/share/doc") as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"up\n"
        inside = ["nsenter", f"--net=/proc/{server.pid}/ns/net"]
        for words in (
            [*own_engine.enter, "ip", "link", "add", "hd-out", "type", "veth", "peer", "name", "hd-in",
             "netns", str(server.pid)],
            [*own_engine.enter, "ip", "address", "add", "198.51.100.1/30", "dev", "hd-out"],
            [*own_engine.enter, "ip", "link", "set", "hd-out", "up"],
            [*inside, "ip", "address", "add", f"{OUTSIDE}/30", "dev", "hd-in"],
            [*inside, "ip", "link", "set", "hd-in", "up"],
        ):  # fmt: skip
            subprocess.run(words, check=True)
        yield f"http://{OUTSIDE}/"
        server.kill()


def test_release_has_no_way_out(own_engine: OwnEngine, project_on_own_engine: ProjectUnderTest, outside: str) -> None:
    """A container of the network for development reaches another machine; the release gets no answer from it."""
    project, settings = project_on_own_engine, project_on_own_engine.settings()
    wget = ["wget", "-q", "-T", "3", "-O", "/dev/null", outside]
    docker(*networks.create_args(settings, DEV)[1:], host=own_engine.host)
    run = ["container", "run", "--rm", "--entrypoint", wget[0], *networks.join_args(settings, DEV), project.image]
    docker(*run, *wget[1:], host=own_engine.host)
    assert not project.engine.exec(f"{project.name}-prod", wget).ok


@pytest.mark.long  # the unit tests have the error
@pytest.mark.parametrize(
    "own_engine", [{"default-address-pools": [{"base": "10.213.0.0/23", "size": 24}]}], indirect=True, ids=["two"]
)
def test_engine_without_addresses_for_another_network_is_named(
    project_on_own_engine: ProjectUnderTest, built_project: ProjectUnderTest
) -> None:
    """Docker's own network and the first project's take both. The second project is refused, and the first serves."""
    first = project_on_own_engine
    second = ProjectUnderTest(first.engine, first.checkout)
    second.environ["DOCKER_HOST"] = first.environ["DOCKER_HOST"]
    second.stage(built_project.image)
    output = second.with_prefix(*first.command_prefix).fails(*RUN_STAGED)
    assert f"Docker has no addresses left for the network {second.name}-prod." in output
    assert "docker network rm NAME" in output
    assert second.container_names() == []
    assert first.container().serves
