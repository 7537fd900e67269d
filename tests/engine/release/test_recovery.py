"""nginx, the port holder and the engine die and come back; visitors count what they miss."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.network import free_port
from benchmarks.own_engine import OwnEngine
from benchmarks.visitors import Visitors
from docktasks.engine.client import DockerEngine
from docktasks.waiting import Probe, http_ready, wait_until
from tests.support.commands import docker
from tests.support.long_forms import long
from tests.support.project import RUN_STAGED, ProjectUnderTest
from tests.support.running_task import StartTask

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root kills processes of another user")


def kill(project: ProjectUnderTest, role: str) -> None:
    """Kill a container's first process, as the kernel does when memory runs out."""
    os.kill(project.inspect(role)["State"]["Pid"], signal.SIGKILL)


def wait_for_recovery(visitors: Visitors, limit: float = 60) -> None:
    """Wait up to `limit` seconds until all visitors load whole pages again, and print what they missed."""

    def look() -> Probe:
        failures, requests = len(visitors.failures), visitors.requests
        visitors.until(200)
        return Probe(visitors.requests >= requests + 200 and len(visitors.failures) == failures, f"{failures} failed")

    probe = wait_until(look, limit)
    print(f"missed: {len(visitors.failures)} of {visitors.requests}, over {visitors.missed_for():.1f} s")
    assert probe.ready, visitors.failures[-3:]


@pytest.fixture(scope="module")
def recovering_project(engine: DockerEngine, checkout: Path) -> Iterator[ProjectUnderTest]:
    """A project on a port that it keeps. Docker would choose another port after a restart."""
    project = ProjectUnderTest(engine, checkout, PROD_HOST_PORT=str(free_port()))
    yield project
    project.end()


@pytest.fixture
def project(recovering_project: ProjectUnderTest, built_project: ProjectUnderTest) -> ProjectUnderTest:
    """That project, which serves the built image without a configuration, whatever the test before has left."""
    recovering_project.stage(built_project.image)
    recovering_project.succeeds(*RUN_STAGED, "--no-env")
    recovering_project.assert_one_release_serves()
    return recovering_project


@as_root
def test_killed_nginx_is_restarted_in_the_same_network(project: ProjectUnderTest) -> None:
    """Docker starts a killed release again, in the network of its port holder."""
    with Visitors(project.container().url) as visitors:
        kill(project, "prod")
        wait_for_recovery(visitors)
    assert visitors.failures
    project.assert_one_release_serves()


@pytest.mark.long  # it waits for three health checks of Docker
def test_unhealthy_release_is_named_and_replaced(project: ProjectUnderTest) -> None:
    """`status` names an unhealthy release, and run-prod replaces it although nothing of it has changed."""
    before = project.container()
    docker("container", "exec", before.name, "rm", "/tmp/nginx.pid")  # noqa: S108 - the container's own
    probe = wait_until(lambda: Probe(project.container().health == "unhealthy"), limit=60)
    assert probe.ready
    assert f"! {before.name} is unhealthy." in project.succeeds("status")
    with Visitors(before.url) as visitors:
        project.succeeds(*RUN_STAGED)
    assert visitors.failures == []
    assert project.container().id != before.id
    assert project.container().image_id == before.image_id
    project.assert_one_release_serves()


@pytest.mark.long  # test_swap_faults.py kills at steps before it
def test_release_is_recorded_by_the_next_task_when_its_own_was_killed(
    project: ProjectUnderTest,
    built_project: ProjectUnderTest,
    start_task: StartTask,
    interrupting_docker: dict[str, str],
) -> None:
    """The next call records the release, so the port holder serves its files and settings when it is stopped."""
    project.stage(built_project.image, "LABEL release=recorded")
    task = start_task(
        project, *RUN_STAGED, "--env", "API_A=1", **interrupting_docker, FAULT="killed-after", FAULT_AT="image tag"
    )
    task.wait_for_exit()
    output = project.succeeds(*RUN_STAGED)
    assert "Serving already" in output
    assert "keeps its configuration: API_A='1'" in output
    url = project.container().url
    docker("container", "stop", f"{project.name}-prod")
    probe = wait_until(lambda: http_ready(url), limit=60)
    assert probe.ready, probe.status
    assert '"API_A":"1"' in httpx.get(f"{url}/env.js", trust_env=False).text


@pytest.mark.long  # nobody does that in a normal day
def test_renamed_release_gets_its_name_back(project: ProjectUnderTest) -> None:
    """A release that was renamed by hand keeps serving, and the next run-prod gives it its name back."""
    before = project.container()
    docker("container", "rename", before.name, f"{project.name}-mine")
    assert f"or renamed: {project.name}-mine." in project.succeeds("status")
    with Visitors(before.url) as visitors:
        assert "Serving already" in project.succeeds(*RUN_STAGED)
    assert visitors.failures == []
    assert project.container().id == before.id
    project.assert_one_release_serves()


def test_port_holder_serves_while_the_release_is_stopped(project: ProjectUnderTest) -> None:
    """The port holder serves the stopped release's files and configuration until a release serves again."""
    project.succeeds(*RUN_STAGED, "--env", "API_URL=https://here.example.com")
    page, script, policy = project.get(), project.get("/env.js").text, "content-security-policy"
    url, missing = project.container().url, project.get("/no-such-file.js").text
    with Visitors(url) as visitors:
        docker("container", "stop", f"{project.name}-prod")
        wait_for_recovery(visitors)
        assert visitors.failures
        response = httpx.get(url, trust_env=False)
        assert (response.content, response.headers[policy]) == (page.content, page.headers[policy])
        assert httpx.get(f"{url}/env.js", trust_env=False).text == script
        assert httpx.get(f"{url}/no-such-file.js", trust_env=False).text == missing
        assert "nginx" not in missing
        processes = project.engine.exec(f"{project.name}-prod-port", ["ps", "-o", "args"]).output
        assert processes.count("nginx: worker process") >= 2
        output = project.succeeds("status")
        assert f"{project.name}-prod does not run. The port holder serves in its place" in output
        missed = len(visitors.failures)
        project.succeeds(*RUN_STAGED, "--env", "API_URL=https://here.example.com")
        holder = f"{project.name}-prod-port"
        probe = wait_until(lambda: Probe("A release listens again" in project.engine.logs(holder, 100_000)), limit=60)
        assert probe.ready
        assert len(visitors.failures) == missed
    project.assert_one_release_serves()


@as_root
def test_release_joins_the_network_of_a_restarted_port_holder(project: ProjectUnderTest) -> None:
    """Docker starts a killed port holder with a new network. The release notices, and joins it without a task."""
    url = project.container().url
    with Visitors(url) as visitors:
        kill(project, "prod-port")
        wait_for_recovery(visitors)
        assert visitors.failures
        assert wait_until(lambda: Probe(project.container().serves), limit=60).ready
        wait_for_recovery(visitors)  # the port holder, which may have served meanwhile, has stopped serving
    project.assert_one_release_serves()


@pytest.mark.long  # the test before has the same fault, and the next one the same task
@as_root
def test_run_prod_reconnects_a_release_that_is_cut_off(project: ProjectUnderTest) -> None:
    """Until the release notices, `status` names the fault. run-prod fixes it at once."""
    started = project.container().started
    kill(project, "prod-port")
    assert wait_until(lambda: Probe(project.container("prod-port").state == "running"), limit=60).ready
    if project.container().started == started:  # otherwise the release has already joined it
        output = project.succeeds("status")
        assert "cut off" in output
        assert "invoke run-prod" in output
    project.succeeds(*RUN_STAGED)
    assert project.get().status_code == 200
    project.assert_one_release_serves()


def test_run_prod_replaces_a_removed_port_holder(project: ProjectUnderTest) -> None:
    """`status` names a missing port holder, which Docker cannot bring back, and run-prod starts a new one."""
    docker("container", "rm", "--force", f"{project.name}-prod-port")
    output = project.succeeds("status")
    if project.container().state == "running":  # otherwise it has noticed, and ended
        assert "is cut off from its port holder. No request is answered." in output
    project.succeeds(*RUN_STAGED)
    assert project.get().status_code == 200
    project.assert_one_release_serves()


@pytest.mark.parametrize("fault", [long("restarted"), "killed with all in it"])
def test_release_serves_again_after_the_engine(
    own_engine: OwnEngine, project_on_own_engine: ProjectUnderTest, built_project: ProjectUnderTest, fault: str
) -> None:
    """After a restart of the engine and after a power cut, the app serves by itself, and can be replaced."""
    url = project_on_own_engine.container().url
    with Visitors(url, network=own_engine.network) as visitors:
        if fault == "restarted":
            own_engine.stop()
        else:
            own_engine.kill()
        own_engine.start()
        wait_for_recovery(visitors)
        assert visitors.failures
        serves = project_on_own_engine.container().serves
        print("the release", "serves" if serves else "was left stopped: its port holder serves")
    image_id = project_on_own_engine.stage(built_project.image, "LABEL release=after")
    with Visitors(url, network=own_engine.network) as visitors:
        project_on_own_engine.succeeds(*RUN_STAGED)
        visitors.until(100)
    assert visitors.failures == []
    assert project_on_own_engine.container().image_id == image_id
    project_on_own_engine.assert_one_release_serves()


@pytest.mark.long
@pytest.mark.parametrize("step", ["run --detach --name @-prod-next", "rename @-prod @", "rename @-prod-next", "stop"])
def test_swap_in_which_the_engine_dies_is_completed_by_the_next_task(  # noqa: PLR0913, PLR0917 - the fixtures and a step
    own_engine: OwnEngine,
    project_on_own_engine: ProjectUnderTest,
    built_project: ProjectUnderTest,
    start_task: StartTask,
    interrupting_docker: dict[str, str],
    step: str,
) -> None:
    """After a power cut in the middle of a swap the app serves by itself, and the error does not say that it does."""
    project = project_on_own_engine
    url = project.container().url
    image_id = project.stage(built_project.image, f"LABEL release='{step}'")
    command = f"container {step}".replace("@", project.name)
    task = start_task(project, *RUN_STAGED, **interrupting_docker, FAULT="slow", FAULT_AT=command)
    done = Path(interrupting_docker["FAULT_DONE"])
    assert wait_until(lambda: Probe(done.exists()), limit=60).ready, task.output
    own_engine.kill()
    assert task.wait_for_exit() == 1, task.output
    assert "Traceback" not in task.output
    assert "keeps serving" not in task.output
    own_engine.start()
    with Visitors(url, network=own_engine.network) as visitors:
        wait_for_recovery(visitors)
    project.succeeds(*RUN_STAGED)
    assert project.container().image_id == image_id
    project.assert_one_release_serves()
