"""What dies, and comes back: nginx, the port holder, the engine with everything in it; and what visitors miss of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from docktasks.waiting import Probe, http_ready, wait_until
from tests.conftest import NewProject, Start
from tests.engine.own_engine import OwnEngine
from tests.engine.support import Project, docker, free_port
from tests.engine.visitors import Visitors

RUN = ("run-prod", "--no-build")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user's process is killed, which takes root")


def kill(project: Project, role: str) -> None:
    """End a container's first process, as the kernel does when memory runs out."""
    os.kill(project.inspect(role)["State"]["Pid"], signal.SIGKILL)


def comes_back(visitors: Visitors, limit: float = 60) -> None:
    """Wait until every visitor has loaded whole pages again, and tell what was missed."""

    def look() -> Probe:
        failed, made = len(visitors.failures), visitors.requests
        visitors.until(200)
        return Probe(visitors.requests >= made + 200 and len(visitors.failures) == failed, f"{failed} failed")

    looked = wait_until(look, limit)
    print(f"missed: {len(visitors.failures)} of {visitors.requests}, over {visitors.missed_for():.1f} s")
    assert looked.ready, visitors.failures[-3:]


@pytest.fixture
def there(new_project: NewProject, good: Project) -> Project:
    """A project that serves on a port which stays the same; a free one that Docker chose is another after a restart."""
    project = new_project(PROD_HOST_PORT=str(free_port()))
    project.stage(good.image)
    project.does(*RUN)
    return project


@as_root
def test_nginx_killed(there: Project) -> None:
    """Docker starts it again, in the same network."""
    with Visitors(there.container().url) as visitors:
        kill(there, "prod")
        comes_back(visitors)
    assert visitors.failures
    there.is_tidy()


def test_release_that_is_unhealthy(there: Project) -> None:
    """`status` names it, and run-prod puts the same release in its place, though nothing of it has changed."""
    before = there.container()
    docker("container", "exec", before.name, "rm", "/tmp/nginx.pid")  # noqa: S108 - the container's own
    looked = wait_until(lambda: Probe(there.container().health == "unhealthy"), limit=60)
    assert looked.ready
    assert f"! {before.name} is unhealthy." in there.does("status")
    with Visitors(before.url) as visitors:
        there.does(*RUN)
    assert visitors.failures == []
    assert (there.container().id != before.id, there.container().image_id) == (True, before.image_id)
    there.is_tidy()


def test_release_whose_task_was_killed_before_it_was_noted(
    there: Project, good: Project, start: Start, faulty: dict[str, str]
) -> None:
    """The next call notes it: stopped by hand, the port holder serves what that release served, as configured."""
    there.stage(good.image, "LABEL release=noted")
    task = start(there, *RUN, "--env", "API_A=1", **faulty, FAULT="killed-after", FAULT_AT="image tag")
    task.ended()
    assert "Serving already" in there.does(*RUN, "--env", "API_A=1")
    url = there.container().url
    docker("container", "stop", f"{there.name}-prod")
    looked = wait_until(lambda: http_ready(url), limit=30)
    assert looked.ready, looked.status
    assert '"API_A":"1"' in httpx.get(f"{url}/env.js", trust_env=False).text


def test_release_renamed_by_hand(there: Project) -> None:
    """It serves under any name; the next call gives it its own back."""
    before = there.container()
    docker("container", "rename", before.name, f"{there.name}-mine")
    assert f"or renamed: {there.name}-mine." in there.does("status")
    with Visitors(before.url) as visitors:
        assert "Serving already" in there.does(*RUN)
    assert visitors.failures == []
    assert there.container().id == before.id
    there.is_tidy()


def test_release_stopped_by_hand(there: Project) -> None:
    """Where nobody listens the port holder serves what the release did, as that was configured; then it steps back."""
    there.does(*RUN, "--env", "API_URL=https://here.example.com")
    page, script, policy = there.page(), there.page("/env.js").text, "content-security-policy"
    url = there.container().url
    with Visitors(url) as visitors:
        docker("container", "stop", f"{there.name}-prod")
        comes_back(visitors)
        assert visitors.failures
        instead = httpx.get(url, trust_env=False)
        assert (instead.content, instead.headers[policy]) == (page.content, page.headers[policy])
        assert httpx.get(f"{url}/env.js", trust_env=False).text == script
        output = there.does("status")
        assert f"{there.name}-prod does not run. That serves in its place" in output
        missed = len(visitors.failures)
        there.does(*RUN, "--env", "API_URL=https://here.example.com")
        assert wait_until(
            lambda: Probe("serves alone" in there.engine.logs(f"{there.name}-prod-port", 100_000)), limit=30
        ).ready
        assert len(visitors.failures) == missed
    there.is_tidy()


@as_root
def test_port_holder_killed(there: Project) -> None:
    """Docker starts it again with a new network; the release notices, and joins that, with nobody's help."""
    url = there.container().url
    with Visitors(url) as visitors:
        kill(there, "prod-port")
        comes_back(visitors)
        assert visitors.failures
        assert wait_until(lambda: Probe(there.container().serves), limit=30).ready
        comes_back(visitors)  # and the holder, which may have served in its place, has stepped back
    there.is_tidy()


@as_root
def test_port_holder_killed_is_named_and_mended(there: Project) -> None:
    """Until the release notices, `status` names what is wrong; run-prod does not wait for it."""
    started = there.container().started
    kill(there, "prod-port")
    assert wait_until(lambda: Probe(there.container("prod-port").state == "running"), limit=20).ready
    if there.container().started == started:  # else it was quicker than this test
        output = there.does("status")
        assert "cut off" in output
        assert "invoke run-prod" in output
    there.does(*RUN)
    assert there.page().status_code == 200
    there.is_tidy()


def test_port_holder_removed(there: Project) -> None:
    """What Docker cannot bring back, `status` names, and run-prod mends."""
    docker("container", "rm", "--force", f"{there.name}-prod-port")
    assert "is cut off from its port holder. Nobody is served." in there.does("status")
    there.does(*RUN)
    assert there.page().status_code == 200
    there.is_tidy()


@pytest.fixture
def elsewhere(own_engine: OwnEngine, good: Project, checkout: Path, tmp_path: Path) -> Iterator[Project]:
    """A project that serves on that engine."""
    made = good.engine.image(good.image)
    assert made is not None
    tar = tmp_path / "images.tar"
    docker("image", "save", "--output", str(tar), good.image, made.labels["org.opencontainers.image.base.name"])
    docker("image", "load", "--quiet", "--input", str(tar), host=own_engine.host)
    tar.unlink()
    port = {"PROD_HOST_PORT": str(free_port())}
    project = Project(own_engine.connect(), checkout, **port).under(*own_engine.enter)
    project.environ["DOCKER_HOST"] = own_engine.host
    project.stage(good.image)
    project.does(*RUN)
    yield project
    project.engine.client.close()


@pytest.mark.parametrize("way", ["restarted", "killed with all in it"])
def test_engine_comes_back(own_engine: OwnEngine, elsewhere: Project, good: Project, way: str) -> None:
    """After a restart of the engine, and after a power cut, the app serves by itself, and can be replaced again."""
    url = elsewhere.container().url
    with Visitors(url, network=own_engine.network) as visitors:
        if way == "restarted":
            own_engine.stop()
        else:
            own_engine.kill()
        own_engine.start()
        comes_back(visitors)
        assert visitors.failures
        print("the release", "serves" if elsewhere.container().serves else "was left stopped: its port holder serves")
    wanted = elsewhere.stage(good.image, "LABEL release=after")
    with Visitors(url, network=own_engine.network) as visitors:
        elsewhere.does(*RUN)
        visitors.until(100)
    assert visitors.failures == []
    assert elsewhere.container().image_id == wanted
    elsewhere.is_tidy()
