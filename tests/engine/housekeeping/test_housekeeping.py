"""The tasks `status`, `logs`, `stop` and `clean`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from docktasks.engine.client import DockerEngine
from tests.support.commands import docker
from tests.support.project import RUN_STAGED, ProjectFactory, ProjectUnderTest


def test_status_shows_state_health_and_address_of_a_container(shared_running_project: ProjectUnderTest) -> None:
    """`invoke status` prints a container's name, state, health, working address and release in a row."""
    url = shared_running_project.container().url
    output = shared_running_project.succeeds("status")
    assert re.search(rf"{shared_running_project.name}-prod +running \(healthy\) +{url} +[0-9a-f]{{12}}", output)


@pytest.mark.long  # test_recovery.py asks for the status of a stopped release
def test_status_shows_a_stopped_container_as_exited(running_project: ProjectUnderTest) -> None:
    """`invoke status` shows the state of a container that was stopped by hand."""
    docker("container", "stop", f"{running_project.name}-prod")
    assert re.search(rf"{running_project.name}-prod +exited", running_project.succeeds("status"))


def test_status_without_containers_names_the_task_that_starts_one(project: ProjectUnderTest) -> None:
    """Where nothing runs, `invoke status` says so and names `invoke run-prod`."""
    output = project.succeeds("status")
    assert f"Nothing of {project.name} is running." in output
    assert "invoke run-prod" in output


def test_logs_show_requests_but_no_health_checks(shared_running_project: ProjectUnderTest) -> None:
    """`invoke logs` shows a request with its status and encoding, and no health check. --tail limits the lines."""
    shared_running_project.get("/?logged-5f2c")
    output = shared_running_project.succeeds("logs")
    assert re.search(r'"GET /\?logged-5f2c HTTP/1.1" 200 \d+ br', output)
    assert "/healthz" not in output
    last = shared_running_project.succeeds("logs", "--tail=1").strip().splitlines()
    assert [line for line in last if "GET" in line] == [line for line in last if "logged-5f2c" in line]


def test_logs_without_a_container_name_the_task_that_starts_one(project: ProjectUnderTest) -> None:
    """`invoke logs` names the task of each role, and refuses a role that does not exist."""
    assert "Start it: invoke run-prod" in project.fails("logs")
    assert "Start it: invoke dev" in project.fails("logs", "--role=dev")
    assert "There is no role 'production'." in project.fails("logs", "--role=production")


def test_stop_removes_the_containers_and_keeps_the_image(
    running_project: ProjectUnderTest, engine: DockerEngine
) -> None:
    """`invoke stop` removes the containers and keeps the image. A second stop has nothing to do."""
    assert f"Stopped: {running_project.name}-prod, {running_project.name}-prod-port" in running_project.succeeds("stop")
    assert running_project.container_names() == []
    assert engine.image(running_project.image)
    assert f"Nothing of {running_project.name} is running." in running_project.succeeds("stop")


def test_stop_of_dev_keeps_production_serving(shared_running_project: ProjectUnderTest) -> None:
    """`invoke stop --role=dev` does not touch production."""
    shared_running_project.succeeds("stop", "--role=dev")
    assert shared_running_project.get().status_code == 200


@pytest.fixture
def neighbours(new_project: ProjectFactory, built_project: ProjectUnderTest) -> list[ProjectUnderTest]:
    """Two projects that serve and have a dev volume. The name of the second begins with the name of the first."""
    projects = project, other = [new_project(), new_project()]
    other.name = f"{project.name}-too"
    other.environ["INVOKE_APP_NAME"] = other.name
    for current in projects:
        current.stage(built_project.image)
        current.succeeds(*RUN_STAGED)
        docker("volume", "create", "--label", f"hello-dock.project={current.name}", f"{current.name}-modules")
    return projects


@pytest.fixture
def child_image(neighbours: list[ProjectUnderTest], unrelated_container: str) -> Iterator[str]:
    """An image of others that was built on the first project's image."""
    name = f"{unrelated_container}:child"
    neighbours[0].stage(neighbours[0].image, "LABEL somebody=else", tag=name)
    yield name
    docker("image", "rm", "--force", name)


def test_stop_and_clean_keep_what_belongs_to_others(
    neighbours: list[ProjectUnderTest], child_image: str, engine: DockerEngine, unrelated_container: str
) -> None:
    """`stop` and `clean` keep other projects, and containers, volumes and images of others."""
    project, other = neighbours
    before = other.container()
    kinds = ("carried", "modules")
    project.succeeds("stop")
    assert project.container_names() == []
    assert engine.volumes(project.name) == [f"{project.name}-{kind}" for kind in kinds]
    assert engine.image(project.image)
    project.succeeds("clean")
    assert engine.volumes(project.name) == []
    assert engine.image(project.image) is None
    assert (other.container().id, other.container().started) == (before.id, before.started)
    assert other.get().status_code == 200
    assert engine.volumes(other.name) == [f"{other.name}-{kind}" for kind in kinds]
    container = engine.container(unrelated_container)
    assert container is not None
    assert container.state == "running"
    assert engine.image(unrelated_container)
    assert engine.image(child_image)
    volumes = engine.client.volumes.list(filters={"name": unrelated_container})
    assert unrelated_container in [volume.name for volume in volumes]


def test_clean_removes_what_an_interrupted_run_left(
    running_project: ProjectUnderTest, built_project: ProjectUnderTest
) -> None:
    """`invoke clean` removes a renamed container of an interrupted run-prod, and images without a name."""
    docker("container", "rename", f"{running_project.name}-prod", f"{running_project.name}-prod-previous")
    running_project.stage(built_project.image, "LABEL release=second")
    running_project.stage(built_project.image, "LABEL release=third")
    running_project.succeeds("clean")
    assert running_project.remaining_names() == []
    assert running_project.engine.images(running_project.name) == []


def test_clean_of_nothing_is_no_error(project: ProjectUnderTest) -> None:
    """Where nothing of the project exists, `invoke clean` says so and succeeds."""
    assert f"There was nothing of {project.name} to remove." in project.succeeds("clean")


def test_clean_keeps_images_that_containers_of_others_use(
    running_project: ProjectUnderTest, engine: DockerEngine, unrelated_container: str
) -> None:
    """`invoke clean` keeps our image while a container of others uses it, and an image committed from our container."""
    committed = docker("container", "commit", f"{running_project.name}-prod").splitlines()[-1]
    docker("container", "create", "--name", f"{unrelated_container}-user", running_project.image)
    try:
        output = running_project.succeeds("clean")
        assert re.search(rf"Kept, because another container uses it: .*{running_project.image}", output)
        assert engine.image(running_project.image)
        assert engine.image(committed)
    finally:
        docker("container", "rm", "--force", f"{unrelated_container}-user")
        docker("image", "rm", "--force", committed)
