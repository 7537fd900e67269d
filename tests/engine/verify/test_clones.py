"""`verify` tries clones of the production container. It does not touch the container, and removes the clones."""

from __future__ import annotations

import signal

import pytest

from docktasks.containers import clones
from docktasks.waiting import Probe, wait_until
from tests.support.long_forms import long
from tests.support.project import ProjectUnderTest
from tests.support.running_task import RunningTask, StartTask


def running_clones(project: ProjectUnderTest) -> list[str]:
    """Return the names of the project's clones that run. One that only shows its options is removed at once."""
    containers = project.engine.containers(project.name)
    return [container.name for container in containers if container.role == clones.CLONE_ROLE and container.serves]


def start_verify(project: ProjectUnderTest, start_task: StartTask) -> RunningTask:
    """Start `verify` and wait until a clone runs."""
    task = start_task(project, "verify", "--group=container")
    assert wait_until(lambda: Probe(bool(running_clones(project))), limit=60, interval=0.01).ready, task.output
    return task


# One handler takes both; test_verify.py has SIGTERM.
@pytest.mark.parametrize("number", [signal.SIGINT, long(signal.SIGTERM)])
def test_interrupted_verify_removes_its_clones(
    shared_running_project: ProjectUnderTest, start_task: StartTask, number: signal.Signals
) -> None:
    """verify ends with a signal while its clones run, and removes them first."""
    task = start_verify(shared_running_project, start_task)
    task.signal(number)
    assert task.wait_for_exit(60) != 0
    shared_running_project.assert_one_release_serves()


@pytest.mark.long  # the last test has two at once
def test_two_verify_tasks_at_once_have_clones_of_their_own(
    shared_running_project: ProjectUnderTest, start_task: StartTask
) -> None:
    """Two verify tasks at once pass, and leave no clone."""
    tasks = [start_task(shared_running_project, "verify", "--strict", "--group=container") for _ in range(2)]
    for task in tasks:
        task.wait_for_exit()
        assert "0 failed, 0 skipped" in task.output
    shared_running_project.assert_one_release_serves()


def test_run_prod_removes_the_clones_of_a_killed_verify(
    shared_running_project: ProjectUnderTest, start_task: StartTask
) -> None:
    """`status` names the clones that a killed verify left, and run-prod removes them. It keeps clones in use."""
    start_verify(shared_running_project, start_task).kill()
    assert "Left by an interrupted task" in shared_running_project.succeeds("status")
    task = start_verify(shared_running_project, start_task)
    shared_running_project.succeeds("run-prod", "--no-build")
    task.wait_for_exit()
    assert "0 failed, 0 skipped" in task.output
    shared_running_project.assert_one_release_serves()
