from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docktasks.waiting import Probe, http_ready, wait_until
from tests.conftest import NewProject
from tests.engine.support import Project, docker, free_port
from tests.engine.visitors import Visitors

RUN = ("run-prod", "--no-build")


@pytest.fixture
def staged_builds(project: Project, builds: list[str]) -> Iterator[str]:
    """Stages one build after the other as the project's; each time its image's id."""
    return (project.stage(build) for build in itertools.cycle(builds))


def test_twenty_swaps_lose_nothing(project: Project, staged_builds: Iterator[str]) -> None:
    """Whole page loads, with chunks that an older page named: none fails while 20 releases take each other's place."""
    next(staged_builds)
    project.does(*RUN)
    with Visitors(project.container().url) as visitors:
        for _ in range(20):
            image = next(staged_builds)
            output = project.does(*RUN)
            assert "gate passed" in output
            assert project.container().image_id == image
            visitors.until(100)
    assert visitors.failures == []
    assert len(visitors.pages) == 2
    project.is_tidy()


def test_rollbacks_lose_nothing(project: Project, staged_builds: Iterator[str]) -> None:
    """`rollback` goes back to the release before, with no request lost, and back again; or to one that is named."""
    first = next(staged_builds)
    project.does(*RUN)
    second = next(staged_builds)
    with Visitors(project.container().url) as visitors:
        project.does(*RUN)
        for image in (first, second, first, second):
            project.does("rollback")
            assert project.container().image_id == image
            visitors.until(100)
        project.does("rollback", f"--to={first[7:15]}")
        assert project.container().image_id == first
        visitors.until(100)
    assert visitors.failures == []
    project.is_tidy()


def test_environment_changes_lose_nothing(project: Project, staged_builds: Iterator[str]) -> None:
    """A change of --env alone is a swap, too: the image stays, the page is told otherwise, no request is lost."""
    image = next(staged_builds)
    project.does(*RUN)
    assert "Object.freeze({})" in project.page("/env.js").text
    with Visitors(project.container().url) as visitors:
        for number in range(5):
            project.does(*RUN, "--env", f"API_URL=https://api-{number}.example.com")
            assert project.container().image_id == image
            assert f'{{"API_URL":"https://api-{number}.example.com"}}' in project.page("/env.js").text
            visitors.until(100)
    assert visitors.failures == []
    project.is_tidy()


def test_the_handbooks_way_loses_requests(project: Project, good: Project) -> None:
    """The same visitors miss something when a container is stopped and another is run: so they can see a loss."""
    port, name = free_port(), f"{project.name}-plain"
    label = ["--label", f"hello-dock.project={project.name}"]
    run = ["container", "run", "--rm", "--detach", *label, "--name", name, "--publish", f"127.0.0.1:{port}:80"]
    docker(*run, good.image)
    url = f"http://127.0.0.1:{port}"
    assert wait_until(lambda: http_ready(url), limit=20).ready
    with Visitors(url) as visitors:
        for _ in range(2):
            docker("container", "stop", name)
            assert wait_until(lambda: Probe(project.engine.container(name) is None), limit=20).ready
            docker(*run, good.image)
            assert wait_until(lambda: http_ready(url), limit=20).ready
    assert visitors.failures


def test_rollback_keeps_the_environment(project: Project, staged_builds: Iterator[str]) -> None:
    """What the page is configured with belongs to the place, and stays when the release changes."""
    first = next(staged_builds)
    project.does(*RUN)
    next(staged_builds)
    project.does(*RUN, "--env", "API_URL=https://here.example.com")
    project.does("rollback")
    assert project.container().image_id == first
    assert "https://here.example.com" in project.page("/env.js").text


def test_releases_beyond_the_kept_ones_are_forgotten(new_project: NewProject, builds: list[str]) -> None:
    """The images and assets of the last releases stay; older ones go, unless a user gave the image a name."""
    project = new_project(PROD_RETAIN_RELEASES="2")
    images = []
    for number, build in zip("abcd", itertools.cycle(builds), strict=False):
        images.append(project.stage(build, f"LABEL number={number}"))
        if number == "b":
            docker("image", "tag", project.image, f"{project.name}:mine")
        output = project.does(*RUN)
    assert f"removed releases beyond the last 3: {images[1][7:19]}" in output
    assert [project.engine.image(image) is not None for image in images] == [False, True, True, True]
    kept = docker("container", "exec", f"{project.name}-prod", "ls", "/srv/carried/releases").split()
    assert sorted(kept) == sorted(image[7:19] for image in images[2:])
    listed = re.findall(r"^([0-9a-f]{12}) .*?(current)?\s*$", project.does("releases"), re.MULTILINE)
    assert listed == [(images[3][7:19], "current"), (images[2][7:19], "")]
    output = project.fails("rollback", f"--to={images[0][7:19]}")
    assert "There is no earlier release" in output
    assert "invoke releases" in output


def test_nothing_to_roll_back_to(project: Project, staged_builds: Iterator[str]) -> None:
    """The first release has none before it; it serves on."""
    next(staged_builds)
    project.does(*RUN)
    before = project.container()
    assert "There is no earlier release." in project.fails("rollback")
    assert project.container().id == before.id


def test_another_address_on_the_same_port_has_a_gap(project: Project, staged_builds: Iterator[str]) -> None:
    """It is announced, bounded, and its length is told; visitors of that time are the only ones to miss anything."""
    next(staged_builds)
    port = str(free_port())
    project.does(*RUN, INVOKE_PROD_HOST_PORT=port)
    with Visitors(f"http://127.0.0.1:{port}") as visitors:
        output = project.does(*RUN, "--public", INVOKE_PROD_HOST_PORT=port)
    assert "a gap begins" in output
    assert float(re.findall(r"after a gap of ([\d.]+) s", output)[0]) > 0
    assert visitors.failures
    assert {published.host_ip for published in project.container().published} == {"0.0.0.0"}  # noqa: S104 - what is asserted
    project.is_tidy()


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ('it\'s "quoted"', 'it\'s "quoted"'),
        ("two\nlines", "two\nlines"),
        ("</script><script>alert(1)</script>", "</script><script>alert(1)</script>"),
        ("back\\slash $HOME `id` %s ü \u2028", "back\\slash $HOME `id` %s ü \u2028"),
        ("", ""),
    ],
)
def test_any_value_is_safe(
    project: Project, staged_builds: Iterator[str], value: str, read: str, tmp_path: Path
) -> None:
    """What --env is given is what a script reads, whatever is in it; it is never cached, and not in the image."""
    next(staged_builds)
    project.does(*RUN, "--env", f"API_TEXT={value}", "--env", "APP_OTHER=2")
    answer = project.page("/env.js")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "<" not in answer.text
    assert answer.text.isascii()
    assert len(answer.text.splitlines()) == 1
    script = tmp_path / "env.js"
    script.write_text(f"{answer.text}\nprocess.stdout.write(JSON.stringify(globalThis.env))")
    ran = subprocess.run(["node", script], capture_output=True, check=True)
    assert json.loads(ran.stdout) == {"API_TEXT": read, "APP_OTHER": "2"}
    assert "API_TEXT" not in docker("image", "inspect", project.image)
