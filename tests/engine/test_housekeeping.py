"""status, logs, stop and clean."""

from __future__ import annotations

import re

import pytest

from docktasks.engine.client import DockerEngine
from tests.conftest import NewProject
from tests.engine.support import Project, docker


def test_status_shows_what_runs(standing: Project) -> None:
    """One row a container: name, state, health, and the address that works."""
    url = standing.container().url
    output = standing.does("status")
    assert re.search(rf"{standing.name}-prod +running \(healthy\) +{url} +[0-9a-f]{{12}}", output)


def test_status_of_what_is_stopped(serving: Project) -> None:
    """A container that was stopped by hand is shown as such."""
    docker("container", "stop", f"{serving.name}-prod")
    assert re.search(rf"{serving.name}-prod +exited", serving.does("status"))


def test_status_without_anything(project: Project) -> None:
    """Nothing runs: the line says which task starts what."""
    output = project.does("status")
    assert f"Nothing of {project.name} is running." in output
    assert "invoke run-prod" in output


def test_logs_show_requests(standing: Project) -> None:
    """A request is in the log, with status and coding; the health check's own are not; --tail limits it."""
    standing.page("/?logged-5f2c")
    output = standing.does("logs")
    assert re.search(r'"GET /\?logged-5f2c HTTP/1.1" 200 \d+ br', output)
    assert "/healthz" not in output
    last = standing.does("logs", "--tail=1").strip().splitlines()
    assert [line for line in last if "GET" in line] == [line for line in last if "logged-5f2c" in line]


def test_logs_of_nothing(project: Project) -> None:
    """Without a container, the task that starts it is named; a role that does not exist is told."""
    assert "Start it: invoke run-prod" in project.fails("logs")
    assert "Start it: invoke dev" in project.fails("logs", "--role=dev")
    assert "There is no role 'production'." in project.fails("logs", "--role=production")


def test_stop_ends_the_containers_alone(serving: Project, engine: DockerEngine) -> None:
    """stop removes the containers; the image stays, and a second stop has nothing to do."""
    assert f"Stopped: {serving.name}-prod, {serving.name}-prod-port" in serving.does("stop")
    assert serving.names() == []
    assert engine.image(serving.image)
    assert f"Nothing of {serving.name} is running." in serving.does("stop")


def test_stop_of_the_other_role(standing: Project) -> None:
    """--role=dev leaves production running."""
    standing.does("stop", "--role=dev")
    assert standing.page().status_code == 200


@pytest.mark.parametrize("task", ["stop", "clean"])
def test_others_are_left_alone(
    new_project: NewProject, good: Project, engine: DockerEngine, unrelated_container: str, task: str
) -> None:
    """stop and clean remove what is this project's; a foreign container, volume and image, and another project stay.

    Also an image that somebody built on this project's, and a project whose name begins with this one's.
    """
    one, other = new_project(), new_project()
    other.name = f"{one.name}-too"
    other.environ["INVOKE_APP_NAME"] = other.name
    child = f"{unrelated_container}:child"
    for project in (one, other):
        project.stage(good.image)
        project.does("run-prod", "--no-build")
        docker("volume", "create", "--label", f"hello-dock.project={project.name}", f"{project.name}-modules")
    one.stage(one.image, "LABEL somebody=else", tag=child)
    before = other.container()
    try:
        one.does(task)
        assert one.names() == []
        kinds = ("carried", "modules")
        assert engine.volumes(one.name) == ([] if task == "clean" else [f"{one.name}-{kind}" for kind in kinds])
        assert (engine.image(one.image) is None) is (task == "clean")
        assert (other.container().id, other.container().started) == (before.id, before.started)
        assert other.page().status_code == 200
        assert engine.volumes(other.name) == [f"{other.name}-{kind}" for kind in kinds]
        kept = engine.container(unrelated_container)
        assert kept is not None
        assert kept.state == "running"
        assert engine.image(unrelated_container)
        assert engine.image(child)
        assert unrelated_container in [
            volume.name for volume in engine.client.volumes.list(filters={"name": unrelated_container})
        ]
    finally:
        docker("image", "rm", "--force", child)


def test_clean_removes_an_interrupted_run(serving: Project, good: Project) -> None:
    """What an interrupted run-prod left, and images without a name, go too."""
    docker("container", "rename", f"{serving.name}-prod", f"{serving.name}-prod-previous")
    serving.stage(good.image, "LABEL release=second")
    serving.stage(good.image, "LABEL release=third")
    serving.does("clean")
    assert serving.left() == []
    assert serving.engine.images(serving.name) == []


def test_clean_without_anything(project: Project) -> None:
    """Nothing to remove is no error."""
    assert f"There was nothing of {project.name} to remove." in project.does("clean")


def test_clean_leaves_an_image_that_somebody_uses(
    serving: Project, engine: DockerEngine, unrelated_container: str
) -> None:
    """One of ours that a stopped container of theirs was made from, and one that they committed of ours."""
    committed = docker("container", "commit", f"{serving.name}-prod").splitlines()[-1]
    docker("container", "create", "--name", f"{unrelated_container}-user", serving.image)
    try:
        output = serving.does("clean")
        assert re.search(rf"Kept, because another container uses it: .*{serving.image}", output)
        assert engine.image(serving.image)
        assert engine.image(committed)
    finally:
        docker("container", "rm", "--force", f"{unrelated_container}-user")
        docker("image", "rm", "--force", committed)
