"""What replicas serve is compared with the image, and with the commit that it was built from."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial

import pytest

from docktasks.waiting import http_ready, wait_until
from tests.support.commands import docker
from tests.support.project import RUN_STAGED, ProjectUnderTest


@pytest.fixture
def running(built_project: ProjectUnderTest, project: ProjectUnderTest) -> ProjectUnderTest:
    """A project that serves the image, with a configuration of the page."""
    project.stage(built_project.image)
    project.succeeds(*RUN_STAGED, "--env=API_URL=https://api.example")
    return project


@pytest.fixture
def replicas(running: ProjectUnderTest) -> Iterator[dict[str, str]]:
    """The address of a replica for each fault. They run at once, and end with the test."""
    faults = {
        "none": "LABEL replica=1",
        "file": 'RUN printf \'{\\n  "API_URL": "https://api.example"\\n}\' >/etc/page.json',
        "byte": "RUN printf '\\n' >>/srv/site/robots.txt",
        "header": "RUN sed -i 's/nosniff/nosnif/' /etc/nginx/serving/security.conf",
        "brotli": "RUN rm /srv/br/index.html",
        "gzip": "RUN printf other | gzip -9 >/srv/site/index.html.gz",
        "missing": "RUN rm /srv/site/favicon.svg",
        "added": "RUN printf 'add_header Access-Control-Allow-Origin *;' >>/etc/nginx/serving/security.conf",
    }
    names = {}
    for fault, line in faults.items():
        image = f"{running.name}-replica:{fault}"
        docker(
            "image", "build", "--quiet", "--tag", image, "-", stdin=f"FROM {running.image}\nUSER 0\n{line}\nUSER 101"
        )
        environment = [
            '--env=HELLO_DOCK_ENV={"API_URL":"https://api.example"}',
            "--env=HELLO_DOCK_CONNECT=https://api.example",
        ]
        if fault == "file":  # as an object of a swarm comes
            environment = ["--env=HELLO_DOCK_ENV_FILE=/etc/page.json"]
        names[fault] = docker("container", "run", "--detach", "--publish=127.0.0.1::80", *environment, image).strip()
    addresses = {
        fault: f"http://{docker('container', 'port', name, '80').splitlines()[0]}" for fault, name in names.items()
    }
    for address in addresses.values():
        assert wait_until(partial(http_ready, f"{address}/"), 30).ready
    yield addresses
    docker("container", "rm", "--force", "--volumes", *names.values())
    docker("image", "rm", *(f"{running.name}-replica:{fault}" for fault in faults))


@pytest.mark.long
def test_replica_that_serves_something_else_is_named(running: ProjectUnderTest, replicas: dict[str, str]) -> None:
    """One byte, one header, one form of a page, one file: the first path that differs is in the error."""
    own = running.container().url
    image = f"--image={running.image}"
    same = running.succeeds("verify", f"--url={own}", f"--url={replicas['none']}", image)
    assert same.count("all as the image has them") == 2
    assert "all as the image has them" in running.succeeds("verify", f"--url={replicas['file']}", image)
    expected = {
        "byte": "/robots.txt: other bytes", "missing": "/favicon.svg: 404, not 200",
        "header": "x-content-type-options is nosnif, and in the image nosniff",
        "brotli": " as br: content-encoding is ", "gzip": " as gzip: other bytes",
        "added": "access-control-allow-origin is *, and in the image missing",
    }  # fmt: skip
    for fault, text in expected.items():
        output = running.fails("verify", f"--url={own}", f"--url={replicas[fault]}", image)
        assert text in output
        assert output.count("all as the image has them") == 1
        assert f"{replicas[fault]}: /" in output
    running.assert_one_release_serves()


@pytest.mark.long
def test_commit_is_built_again_and_compared(running: ProjectUnderTest, replicas: dict[str, str]) -> None:
    """The checkout stays as it is, and the image that was built is removed."""
    own = running.container().url
    assert "all as the image has them" in running.succeeds("verify", f"--url={own}", "--revision=HEAD")
    assert "/robots.txt: other bytes" in running.fails("verify", f"--url={replicas['byte']}", "--revision=HEAD")
    assert "is no commit" in running.fails("verify", f"--url={own}", "--revision=nonsense")
    assert "either --image or --revision" in running.fails("verify", "--revision=HEAD")
    status = subprocess.run(["git", "status", "--porcelain"], cwd=running.checkout, stdout=subprocess.PIPE, check=True)
    assert status.stdout == b""
    assert running.engine.image(f"{running.name}-rebuilt:prod") is None
