from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.network import free_port
from benchmarks.visitors import Visitors
from docktasks.waiting import Probe, http_ready, wait_until
from tests.support.commands import docker
from tests.support.long_forms import IS_LONG_FORM
from tests.support.project import RUN_STAGED, ProjectFactory, ProjectUnderTest


@pytest.fixture
def staged_builds(project: ProjectUnderTest, two_builds: list[str]) -> Iterator[str]:
    """An iterator that stages the two builds in turn as the project's image, and yields the id of each."""
    return (project.stage(build) for build in itertools.cycle(two_builds))


SWAPS = 20 if IS_LONG_FORM else 2


def test_swaps_lose_no_request(project: ProjectUnderTest, staged_builds: Iterator[str]) -> None:
    """Visitors load whole pages and chunks of an older page, and none fails in swaps and in a rollback.

    A rollback of the first release says that there is none before it, and does not touch it.
    """
    image = next(staged_builds)
    project.succeeds(*RUN_STAGED)
    first = project.container()
    assert "There is no earlier release." in project.fails("rollback")
    assert project.container() == first
    with Visitors(first.url) as visitors:
        for _ in range(SWAPS):
            before, image = image, next(staged_builds)
            output = project.succeeds(*RUN_STAGED)
            assert "gate passed" in output
            assert project.container().image_id == image
            visitors.until(100)
        project.succeeds("rollback")
        assert project.container().image_id == before
        visitors.until(100)
    assert visitors.failures == []
    assert len(visitors.pages) == 2
    project.assert_one_release_serves()


@pytest.mark.long
def test_rollbacks_lose_no_request(project: ProjectUnderTest, staged_builds: Iterator[str]) -> None:
    """`rollback` goes to the release before and back again, or to a named one, without a lost request."""
    first = next(staged_builds)
    project.succeeds(*RUN_STAGED)
    second = next(staged_builds)
    with Visitors(project.container().url) as visitors:
        project.succeeds(*RUN_STAGED)
        for image in (first, second):
            project.succeeds("rollback")
            assert project.container().image_id == image
            visitors.until(100)
        project.succeeds("rollback", f"--to={first[7:15]}")
        assert project.container().image_id == first
        visitors.until(100)
    assert visitors.failures == []
    project.assert_one_release_serves()


@pytest.mark.long
def test_environment_changes_lose_no_request(project: ProjectUnderTest, staged_builds: Iterator[str]) -> None:
    """A change of only --env is a swap, too: the image stays, /env.js changes, and no request is lost."""
    image = next(staged_builds)
    project.succeeds(*RUN_STAGED)
    assert "Object.freeze({})" in project.get("/env.js").text
    with Visitors(project.container().url) as visitors:
        for number in range(2):
            project.succeeds(*RUN_STAGED, "--env", f"API_URL=https://api-{number}.example.com")
            assert project.container().image_id == image
            assert f'{{"API_URL":"https://api-{number}.example.com"}}' in project.get("/env.js").text
            visitors.until(100)
    assert visitors.failures == []
    project.assert_one_release_serves()


def test_visitors_notice_the_gap_of_stop_and_run(project: ProjectUnderTest, built_project: ProjectUnderTest) -> None:
    """The same visitors miss requests when a container is stopped and another is run, so they can see a loss."""
    port, name = free_port(), f"{project.name}-plain"
    label = ["--label", f"hello-dock.project={project.name}"]
    run = ["container", "run", "--rm", "--detach", *label, "--name", name, "--publish", f"127.0.0.1:{port}:80"]
    docker(*run, built_project.image)
    url = f"http://127.0.0.1:{port}"
    assert wait_until(lambda: http_ready(url), limit=60).ready
    with Visitors(url) as visitors:
        docker("container", "stop", name)
        assert wait_until(lambda: Probe(project.engine.container(name) is None), limit=60).ready
        docker(*run, built_project.image)
        assert wait_until(lambda: http_ready(url), limit=60).ready
    assert visitors.failures


def test_releases_beyond_the_retained_ones_are_removed(new_project: ProjectFactory, two_builds: list[str]) -> None:
    """Images and assets of the last releases stay. Older ones go, unless a user has tagged the image."""
    project = new_project(PROD_RETAIN_RELEASES="2")
    images, releases = [], []
    for number, build in zip("abcd", itertools.cycle(two_builds), strict=False):
        images.append(project.stage(build, f"LABEL number={number}"))
        if number == "b":
            docker("image", "tag", project.image, f"{project.name}:mine")
        output = project.succeeds(*RUN_STAGED)
        releases.append(project.container().release)
    assert f"removed releases beyond the last 2: {releases[1]}" in output
    assert [project.engine.image(image) is not None for image in images] == [False, True, True, True]
    folders = docker("container", "exec", f"{project.name}-prod", "ls", "/srv/carried/releases").split()
    assert sorted(folders) == sorted(releases[2:])
    docker("image", "tag", f"{project.name}:{releases[2]}", f"{project.name}:tagged-last")  # Docker notes its time
    rows = re.findall(r"^([0-9a-f]{12}) .*?(current)?\s*$", project.succeeds("releases"), re.MULTILINE)
    assert rows == [(releases[3], "current"), (releases[2], "")]
    output = project.fails("rollback", f"--to={releases[0]}")
    assert "There is no earlier release" in output
    assert "invoke releases" in output


@pytest.mark.long  # test_swap_faults.py has faults in such a gap
def test_move_to_another_address_of_the_same_port_announces_its_gap(
    project: ProjectUnderTest, staged_builds: Iterator[str]
) -> None:
    """run-prod announces the gap and prints its length, and visitors notice it."""
    next(staged_builds)
    port = str(free_port())
    project.succeeds(*RUN_STAGED, INVOKE_PROD_HOST_PORT=port)
    with Visitors(f"http://127.0.0.1:{port}") as visitors:
        output = project.succeeds(*RUN_STAGED, "--public", INVOKE_PROD_HOST_PORT=port)
    assert "a gap begins" in output
    assert float(re.findall(r"after a gap of ([\d.]+) s", output)[0]) > 0
    assert visitors.failures
    assert {published.host_ip for published in project.container().published} == {"0.0.0.0"}  # noqa: S104 - what is asserted
    project.assert_one_release_serves()


VALUES = [
    'it\'s "quoted"', "two\nlines", "</script><script>alert(1)</script>", "back\\slash $HOME `id` %s ü \u2028", "",
]  # fmt: skip


def test_env_values_reach_the_page_unchanged_and_safe(shared_running_project: ProjectUnderTest, tmp_path: Path) -> None:
    """A script reads the values that --env had, whatever they contain. They are never cached, and not in the image."""
    project = shared_running_project
    env = {f"API_TEXT_{number}": value for number, value in enumerate(VALUES)}
    project.succeeds(*RUN_STAGED, *(word for name, value in env.items() for word in ("--env", f"{name}={value}")))
    response = project.get("/env.js")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"].startswith("text/javascript")
    assert "<" not in response.text
    assert response.text.isascii()
    assert len(response.text.splitlines()) == 1
    script = tmp_path / "env.js"
    script.write_text(f"{response.text}\nprocess.stdout.write(JSON.stringify(globalThis.env))")
    process = subprocess.run(["node", script], capture_output=True, check=True)
    assert json.loads(process.stdout) == env
    assert "API_TEXT" not in docker("image", "inspect", project.image)


def test_configuration_stays_until_it_is_changed(
    shared_running_project: ProjectUnderTest, built_project: ProjectUnderTest
) -> None:
    """A rollback, a next release and a stop keep it, and say so. --no-env removes it; both flags are an error."""
    project = shared_running_project
    first = project.container().image_id
    project.stage(built_project.image, "LABEL release=second")
    project.succeeds(*RUN_STAGED, "--env", "API_URL=https://here.example.com")
    script = project.get("/env.js").text
    kept = "keeps its configuration: API_URL='https://here.example.com'. "
    assert kept in project.succeeds("rollback")
    assert project.container().image_id == first
    assert project.get("/env.js").text == script
    project.succeeds("stop")
    assert kept in project.succeeds(*RUN_STAGED)
    assert project.get("/env.js").text == script
    assert "given together" in project.fails(*RUN_STAGED, "--env", "API_URL=x", "--no-env")
    assert "Removed from the page's configuration: API_URL=" in project.succeeds(*RUN_STAGED, "--no-env")
    assert project.get("/env.js").text != script
