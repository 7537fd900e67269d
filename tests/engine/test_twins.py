"""The copies that `verify` tries the production container on: it is not touched, and they are gone in the end."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from docktasks.containers import clones
from docktasks.engine.client import DockerEngine
from docktasks.waiting import Probe, wait_until
from tests.conftest import Start
from tests.engine.support import Foreground, Project


@pytest.fixture(scope="module")
def healthy(engine: DockerEngine, checkout: Path, good: Project) -> Iterator[Project]:
    """A project that serves what it should."""
    project = Project(engine, checkout)
    try:
        project.stage(good.image)
        project.does("run-prod", "--no-build")
        yield project
    finally:
        project.end()


def copies(project: Project) -> list[str]:
    """Names of the copies that are there."""
    return [each.name for each in project.engine.containers(project.name) if each.role == clones.CLONE_ROLE]


def verifying(project: Project, start: Start) -> Foreground:
    """A verify that has started a copy."""
    task = start(project, "verify", "--group=container")
    assert wait_until(lambda: Probe(bool(copies(project))), limit=60, interval=0.01).ready, task.output
    return task


def test_the_one_that_serves_is_not_touched(healthy: Project, tmp_path: Path) -> None:
    """It is the same, as it was, and answers; nothing is skipped, and no copy is left."""
    before = healthy.container()
    report = tmp_path / "verdicts.json"
    healthy.does("verify", "--strict", "--group=container", f"--json={report}")
    verdicts = {check["id"]: check["verdict"] for check in json.loads(report.read_text())["checks"]}
    assert set(verdicts.values()) == {"pass"}
    assert healthy.container() == before
    assert healthy.page().status_code == 200
    healthy.is_tidy()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_leaves_no_copy(healthy: Project, start: Start, number: signal.Signals) -> None:
    """Ended while its copies run, verify removes them before it ends."""
    task = verifying(healthy, start)
    task.signal(number)
    assert task.process.wait(60) != 0
    healthy.is_tidy()


def test_two_at_once(healthy: Project, start: Start) -> None:
    """Each has copies of its own."""
    tasks = [start(healthy, "verify", "--strict", "--group=container") for _ in range(2)]
    for task in tasks:
        task.ended()
        assert "0 failed, 0 skipped" in task.output
    healthy.is_tidy()


def test_what_a_killed_one_left_is_removed_by_the_next_release(healthy: Project, start: Start) -> None:
    """Till then, status tells of it; a copy that is in use is left alone."""
    verifying(healthy, start).kill()
    assert "Left by an interrupted task" in healthy.does("status")
    used = verifying(healthy, start)
    healthy.does("run-prod", "--no-build")
    used.ended()
    assert "0 failed, 0 skipped" in used.output
    healthy.is_tidy()
