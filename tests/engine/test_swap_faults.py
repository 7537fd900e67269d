"""Every step of a swap is cut short, and every kind of broken release is tried, while visitors load pages."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from docktasks.waiting import Probe, http_ready, wait_until
from tests.conftest import Start
from tests.engine.support import Project, free_port
from tests.engine.visitors import Visitors

RUN = ("run-prod", "--no-build")

# What a command begins with, for every command of a swap; @ is the project's name.
STEPS = {
    "candidate-starts": "container run --detach --name @-prod-candidate",
    "candidate-goes": "container rm --force @-prod-candidate",
    "assets-carried": "container run --rm",
    "next-starts": "container run --detach --name @-prod-next",
    "old-gives-its-name": "container rename @-prod @-prod-previous",
    "next-takes-the-name": "container rename @-prod-next @-prod",
    "old-drains": "container stop -t 30 @-prod-previous",
    "old-goes": "container rm --force @-prod-previous",
    "release-remembered": "image tag",
}


@pytest.mark.parametrize("fault", ["killed-during", "killed-after", "ctrl-c"])
@pytest.mark.parametrize("step", STEPS)
def test_cut_short_a_swap_loses_nothing(  # noqa: PLR0913, PLR0917 - the fixtures and what is varied
    standing: Project, good: Project, start: Start, faulty: dict[str, str], step: str, fault: str
) -> None:
    """Killed or interrupted at any step, run-prod leaves the app serving; the next ends the work; nobody notices."""
    at = STEPS[step].replace("@", standing.name)
    wanted = standing.stage(good.image, f"LABEL release={step}-{fault}")
    with Visitors(standing.container().url) as visitors:
        task = start(standing, *RUN, **faulty, FAULT=fault, FAULT_AT=at)
        task.ended()
        assert Path(faulty["FAULT_DONE"]).exists(), f"{at} never ran"
        assert task.process.returncode != 0
        visitors.until(50)
        assert visitors.failures == []
        standing.does(*RUN)
        visitors.until(50)
    assert visitors.failures == []
    assert standing.container().image_id == wanted
    standing.is_tidy()


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ('ENTRYPOINT []\nCMD ["sh", "-c", "echo cannot find the harbour >&2; exit 3"]', "cannot find the harbour"),
        ("RUN sed -i '/healthz {/a return 503;' /etc/nginx/serving/site.conf", "does not serve within 3 s"),
        ("RUN sed -i 's|location / {|&return 500;|' /etc/nginx/serving/site.conf", '"GET / HTTP/1.1" 500'),
        ("RUN rm /srv/hashed/site/assets/*.js /srv/hashed/br/assets/*.js", "http.files"),
        ("RUN sed -i '/javascript/d' /etc/nginx/serving/types.conf", "http.files"),
    ],
    ids=["crashes-at-start", "never-healthy", "serves-500", "chunk-missing", "wrong-type"],
)
def test_a_broken_release_is_never_seen(standing: Project, good: Project, layer: str, told: str) -> None:
    """The old one serves on, no request is lost, and the message has the check or the log that tells why."""
    before = standing.container()
    standing.stage(good.image, f"USER root\n{layer}\nUSER 101:101")
    with Visitors(before.url) as visitors:
        output = standing.fails(*RUN, INVOKE_PROD_DEPLOY_TIMEOUT="3")
        visitors.until(50)
    assert told in output
    assert f"{standing.name}-prod keeps serving." in output
    assert visitors.failures == []
    after = standing.container()
    assert (after.id, after.started) == (before.id, before.started)
    standing.is_tidy()


def test_a_release_that_dies_behind_the_gate(standing: Project, good: Project) -> None:
    """One that passes alone and ends beside another leaves the old one serving, with its log shown."""
    before = standing.container()
    # It finds the other by the port that is listened on before it has begun.
    dies = "#!/bin/sh\\nif grep -q ':0050 00000000:0000 0A' /proc/net/tcp; then echo no room here; exit 4; fi\\n"
    layer = f'RUN printf "{dies}" >/docker-entrypoint.d/99-dies.sh && chmod 755 /docker-entrypoint.d/99-dies.sh'
    standing.stage(good.image, f"USER root\n{layer}\nUSER 101:101")
    with Visitors(before.url) as visitors:
        output = standing.fails(*RUN, INVOKE_PROD_DEPLOY_TIMEOUT="3")
    assert "no room here" in output
    assert visitors.failures == []
    assert standing.container().started == before.started
    standing.is_tidy()


def test_a_move_to_another_port_has_no_gap(serving: Project, start: Start, faulty: dict[str, str]) -> None:
    """When the old address is about to go, the new one serves; nobody has missed anything, and the next run ends it."""
    port = str(free_port())
    at = f"container stop -t 30 {serving.name}-prod-previous"
    with Visitors(serving.container().url) as visitors:
        task = start(serving, *RUN, **faulty, FAULT="killed-before", FAULT_AT=at, INVOKE_PROD_HOST_PORT=port)
        task.ended()
        assert "without a gap" in task.output
        assert http_ready(f"http://127.0.0.1:{port}").ready
        visitors.until(50)
        assert visitors.failures == []
        assert "recovered from an interrupted task" in serving.does(*RUN, INVOKE_PROD_HOST_PORT=port)
    assert serving.container().url == f"http://127.0.0.1:{port}"
    serving.is_tidy()


@pytest.mark.parametrize("fault", ["ctrl-c", "terminated", "port taken", "killed"])
def test_release_serves_again_after_a_fault_in_the_gap(
    serving: Project, start: Start, faulty: dict[str, str], fault: str
) -> None:
    """A task that fails or is interrupted in the gap puts the old release back; one that was killed cannot.

    The next task recovers from a kill. In each case it then completes the move.
    """
    port = str(free_port())
    serving.does(*RUN, INVOKE_PROD_HOST_PORT=port)
    before, public = serving.container(), {"INVOKE_PROD_HOST_PORT": port}
    at = f"container stop -t 1 {serving.name}-prod-port-previous"
    task = start(serving, *RUN, "--public", **public, **faulty, FAULT="slow", FAULT_AT=at)
    done = Path(faulty["FAULT_DONE"])
    assert wait_until(lambda: Probe(done.exists()), limit=60).ready, task.output
    assert wait_until(lambda: Probe(not http_ready(before.url).ready), limit=10).ready
    if fault == "killed":
        task.kill()
    elif fault == "port taken":  # on another address, which the new port holder needs and the old one does not
        with socket.create_server(("127.0.0.2", int(port))):
            task.ended()
    else:
        task.signal(signal.SIGINT if fault == "ctrl-c" else signal.SIGTERM)
        task.ended()
    assert task.process.returncode != 0
    assert http_ready(before.url).ready is (fault != "killed"), task.output
    if fault != "killed":
        assert serving.container().id == before.id
        serving.is_tidy()
    output = serving.does(*RUN, "--public", **public)
    assert ("recovered from an interrupted task" in output) is (fault == "killed")
    assert {published.host_ip for published in serving.container().published} == {"0.0.0.0"}  # noqa: S104 - what is asserted
    serving.is_tidy()


def test_two_at_once(standing: Project, good: Project, start: Start) -> None:
    """The second is refused with a clear message, and the first ends as if it were alone."""
    wanted = standing.stage(good.image, "LABEL release=two-at-once")
    with Visitors(standing.container().url) as visitors:
        first = start(standing, *RUN)
        first.until("-prod-candidate")
        assert "Another task is changing the containers" in standing.fails(*RUN)
        assert "Another task is changing the containers" in standing.fails("rollback")
        first.ended()
    assert first.process.returncode == 0
    assert visitors.failures == []
    assert standing.container().image_id == wanted
    standing.is_tidy()
