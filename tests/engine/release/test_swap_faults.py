"""Interrupts at every step of a swap, and every kind of broken release, while visitors load pages."""

from __future__ import annotations

import itertools
import signal
import socket
from pathlib import Path

import pytest

from benchmarks.network import free_port
from benchmarks.visitors import Visitors
from docktasks.waiting import Probe, http_ready, wait_until
from tests.support.long_forms import long
from tests.support.project import RUN_STAGED, ProjectFactory, ProjectUnderTest
from tests.support.running_task import StartTask

STEPS = {
    "candidate-starts": "container run --detach --name @-prod-candidate",
    "candidate-is-removed": "container rm --force @-prod-candidate",
    "assets-bridged": "container run --rm",
    "next-starts": "container run --detach --name @-prod-next",
    "old-gives-its-name": "container rename @-prod @-prod-previous",
    "next-takes-the-name": "container rename @-prod-next @-prod",
    "old-drains": "container stop -t 30 @-prod-previous",
    "old-is-removed": "container rm --force @-prod-previous",
    "release-recorded": "image tag",
}
"""How each command of a swap begins. @ stands for the project's name."""


FAULTS = "killed-during", "killed-after", "ctrl-c"
SPREAD = {
    ("assets-bridged", "ctrl-c"), ("next-takes-the-name", "killed-during"), ("old-drains", "killed-after"),
}  # fmt: skip
"""The short form: each fault, before the swap, between its two names, and after it."""

INTERRUPTIONS = [pair if pair in SPREAD else long(*pair) for pair in itertools.product(STEPS, FAULTS)]


@pytest.mark.parametrize(("step", "fault"), INTERRUPTIONS)
def test_interrupted_swap_loses_no_request(  # noqa: PLR0913, PLR0917 - the fixtures and what is varied
    shared_running_project: ProjectUnderTest,
    built_project: ProjectUnderTest,
    start_task: StartTask,
    interrupting_docker: dict[str, str],
    step: str,
    fault: str,
) -> None:
    """Killed or interrupted at any step, run-prod leaves the app serving. The next one completes the swap."""
    command = STEPS[step].replace("@", shared_running_project.name)
    image_id = shared_running_project.stage(built_project.image, f"LABEL release={step}-{fault}")
    with Visitors(shared_running_project.container().url) as visitors:
        task = start_task(shared_running_project, *RUN_STAGED, **interrupting_docker, FAULT=fault, FAULT_AT=command)
        task.wait_for_exit()
        assert Path(interrupting_docker["FAULT_DONE"]).exists(), f"{command} never ran"
        assert task.process.returncode != 0
        visitors.until(50)
        assert visitors.failures == []
        shared_running_project.succeeds(*RUN_STAGED)
        visitors.until(50)
    assert visitors.failures == []
    assert shared_running_project.container().image_id == image_id
    shared_running_project.assert_one_release_serves()


@pytest.mark.parametrize(
    ("layer", "evidence"),
    [
        ('ENTRYPOINT []\nCMD ["sh", "-c", "echo cannot find the harbour >&2; exit 3"]', "cannot find the harbour"),
        ("RUN sed -i '/healthz {/a return 503;' /etc/nginx/serving/site.conf", "does not serve within 3 s"),
        long("RUN sed -i 's|location / {|&return 500;|' /etc/nginx/serving/site.conf", '"GET / HTTP/1.1" 500'),
        ("RUN rm /srv/hashed/site/assets/*.js /srv/hashed/br/assets/*.js", "http.files"),
        long("RUN sed -i '/javascript/d' /etc/nginx/serving/media-types.conf", "http.files"),
    ],
    ids=["crashes-at-start", "never-healthy", "serves-500", "chunk-missing", "wrong-type"],
)
def test_broken_release_is_never_seen_by_visitors(
    shared_running_project: ProjectUnderTest, built_project: ProjectUnderTest, layer: str, evidence: str
) -> None:
    """The old release keeps serving, no request is lost, and the message has the failed check or the log."""
    before = shared_running_project.container()
    shared_running_project.stage(built_project.image, f"USER root\n{layer}\nUSER 101:101")
    with Visitors(before.url) as visitors:
        output = shared_running_project.fails(*RUN_STAGED, INVOKE_PROD_DEPLOY_TIMEOUT="3")
        visitors.until(50)
    assert evidence in output
    assert f"{shared_running_project.name}-prod keeps serving." in output
    assert visitors.failures == []
    after = shared_running_project.container()
    assert (after.id, after.started) == (before.id, before.started)
    shared_running_project.assert_one_release_serves()


def test_release_that_dies_after_the_gate_does_not_replace_the_old_one(
    shared_running_project: ProjectUnderTest, built_project: ProjectUnderTest
) -> None:
    """A release that passes the gate and ends next to the old one leaves the old one serving. Its log is shown."""
    before = shared_running_project.container()
    # The script finds the old release by its listening port, which exists before this release listens.
    script = "#!/bin/sh\\nif grep -q ':0050 00000000:0000 0A' /proc/net/tcp; then echo no room here; exit 4; fi\\n"
    layer = f'RUN printf "{script}" >/docker-entrypoint.d/99-dies.sh && chmod 755 /docker-entrypoint.d/99-dies.sh'
    shared_running_project.stage(built_project.image, f"USER root\n{layer}\nUSER 101:101")
    with Visitors(before.url) as visitors:
        output = shared_running_project.fails(*RUN_STAGED, INVOKE_PROD_DEPLOY_TIMEOUT="3")
    assert "no room here" in output
    assert visitors.failures == []
    assert shared_running_project.container().started == before.started
    shared_running_project.assert_one_release_serves()


def test_move_to_another_port_has_no_gap(
    running_project: ProjectUnderTest, start_task: StartTask, interrupting_docker: dict[str, str]
) -> None:
    """When the old address is about to go, the new one serves. Visitors miss nothing, and the next run completes it."""
    port = str(free_port())
    command = f"container stop -t 30 {running_project.name}-prod-previous"
    with Visitors(running_project.container().url) as visitors:
        task = start_task(
            running_project,
            *RUN_STAGED,
            **interrupting_docker,
            FAULT="killed-before",
            FAULT_AT=command,
            INVOKE_PROD_HOST_PORT=port,
        )
        task.wait_for_exit()
        assert "without a gap" in task.output
        assert http_ready(f"http://127.0.0.1:{port}").ready
        visitors.until(50)
        assert visitors.failures == []
        assert "recovered from an interrupted task" in running_project.succeeds(*RUN_STAGED, INVOKE_PROD_HOST_PORT=port)
    assert running_project.container().url == f"http://127.0.0.1:{port}"
    running_project.assert_one_release_serves()


# A task that fails or is interrupted puts the release back by the same code, which a kill ends, too.
@pytest.mark.parametrize("fault", [long("ctrl-c"), long("terminated"), long("port taken"), "killed"])
def test_release_serves_again_after_a_fault_in_the_gap(
    running_project: ProjectUnderTest, start_task: StartTask, interrupting_docker: dict[str, str], fault: str
) -> None:
    """A task that fails or is interrupted in the gap puts the old release back. After a kill the next task does.

    In each case the next task then completes the move.
    """
    port = str(free_port())
    running_project.succeeds(*RUN_STAGED, INVOKE_PROD_HOST_PORT=port)
    before, environ = running_project.container(), {"INVOKE_PROD_HOST_PORT": port}
    command = f"container stop -t 1 {running_project.name}-prod-port-previous"
    task = start_task(
        running_project, *RUN_STAGED, "--public", **environ, **interrupting_docker, FAULT="slow", FAULT_AT=command
    )
    done = Path(interrupting_docker["FAULT_DONE"])
    assert wait_until(lambda: Probe(done.exists()), limit=60).ready, task.output
    assert wait_until(lambda: Probe(not http_ready(before.url).ready), limit=60).ready
    if fault == "killed":
        task.kill()
    elif fault == "port taken":  # on another address, which the new port holder needs and the old one does not
        with socket.create_server(("127.0.0.2", int(port))):
            task.wait_for_exit()
    else:
        task.signal(signal.SIGINT if fault == "ctrl-c" else signal.SIGTERM)
        task.wait_for_exit()
    assert task.process.returncode != 0
    assert http_ready(before.url).ready is (fault != "killed"), task.output
    if fault != "killed":
        assert running_project.container().id == before.id
        running_project.assert_one_release_serves()
    output = running_project.succeeds(*RUN_STAGED, "--public", **environ)
    assert "a gap begins" in output
    assert ("recovered from an interrupted task" in output) is (fault == "killed")
    assert {published.host_ip for published in running_project.container().published} == {"0.0.0.0"}  # noqa: S104 - what is asserted
    running_project.assert_one_release_serves()


def test_second_run_prod_is_refused_while_one_runs(
    shared_running_project: ProjectUnderTest, built_project: ProjectUnderTest, start_task: StartTask
) -> None:
    """The second task ends with a clear error, and the first one completes its swap."""
    image_id = shared_running_project.stage(built_project.image, "LABEL release=two-at-once")
    with Visitors(shared_running_project.container().url) as visitors:
        first = start_task(shared_running_project, *RUN_STAGED)
        first.wait_for("-prod-candidate")
        assert "Another task is changing the containers" in shared_running_project.fails(*RUN_STAGED)
        assert "Another task is changing the containers" in shared_running_project.fails("rollback")
        first.wait_for_exit()
    assert first.process.returncode == 0
    assert visitors.failures == []
    assert shared_running_project.container().image_id == image_id
    shared_running_project.assert_one_release_serves()


def test_same_hashed_name_with_other_bytes_is_refused(
    new_project: ProjectFactory, built_project: ProjectUnderTest
) -> None:
    """Vite can give other content the same name (vitejs/vite#23225). The old release keeps serving its own file."""
    layer = "USER root\nRUN echo {} >/srv/hashed/site/assets/Same-Abcdef12.js\nUSER 101:101"
    project = new_project()
    project.stage(built_project.image, layer.format("one"))
    project.succeeds(*RUN_STAGED)
    project.stage(built_project.image, layer.format("two"))
    release = project.container().release
    output = project.fails(*RUN_STAGED)
    assert f"assets/Same-Abcdef12.js differs from release {release}" in output
    assert "keeps serving." in output
    assert project.get("/assets/Same-Abcdef12.js").text == "one\n"
    project.assert_one_release_serves()
    project.succeeds("verify", "--only", "container.asset-bytes", "--strict")
    project.succeeds("stop")
    assert "differs from release" in project.fails(*RUN_STAGED)
    assert project.container_names() == []
