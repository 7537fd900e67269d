"""What the production image makes of its environment, and of an older nginx in its base image."""

from __future__ import annotations

import http.client
import re
import shlex
from pathlib import Path

import httpx
import pytest

from tests.support.commands import docker
from tests.support.image_sandbox import BARE, TMPFS, ImageSandbox
from tests.support.long_forms import long
from tests.support.project import ProjectUnderTest


def raw(address: str, path: str) -> tuple[int, bytes]:
    """Status and body of the answer to a path that is sent without any change."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    try:
        connection.putrequest("GET", path)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


OWN = "echo own >site/env.js; echo own | gzip >site/env.js.gz; echo own in brotli >br/env.js"
VALUE = '{"api":"https://x/%s?a=$HOME$(id)`id`","text":"\\u003c/script\\u003e \\\\n \'quoted\'"}'


def test_the_environment_becomes_env_js(sandbox: ImageSandbox) -> None:
    """HELLO_DOCK_ENV is served as a script, word for word. No browser stores it, and each header is there once."""
    image = sandbox.image(OWN)
    _, address = sandbox.serve(image, "--env", f"HELLO_DOCK_ENV={VALUE}")
    asked = httpx.get(f"{address}/env.js", trust_env=False)
    assert asked.text == f"globalThis.env = Object.freeze({VALUE});\n"
    page = httpx.get(address, trust_env=False)
    names = [name for name, _ in asked.headers.multi_items()]
    assert len(names) == len(set(names))
    assert asked.headers["content-type"] == "text/javascript; charset=utf-8"
    assert asked.headers["cache-control"] == "no-store"
    assert not {"etag", "last-modified"} & set(names)
    secure = [name for name in page.headers if re.match(r"content-security|x-content|referrer|permissions|cross", name)]
    assert len(secure) >= 6
    assert {name: asked.headers.get(name) for name in secure} == {name: page.headers[name] for name in secure}


def test_nginx_has_as_many_workers_as_its_script_says(sandbox: ImageSandbox, built_project: ProjectUnderTest) -> None:
    """The container says itself how many cores it sees."""
    name, _ = sandbox.serve(built_project.image)
    cores = int(sandbox.engine.exec(name, ["nproc"]).output)
    processes = sandbox.engine.exec(name, ["ps", "-o", "args"]).output
    assert processes.count("nginx: worker process") == min(max(cores, 2), 4)


def test_the_sites_own_env_js_is_served_without_an_environment(sandbox: ImageSandbox) -> None:
    """No browser stores it either, compressed or not. A site without env.js answers 404. An empty value is none."""
    own, without = sandbox.image(OWN), sandbox.image("rm -f site/env.js site/env.js.gz br/env.js")
    for args in ([], ["--env", "HELLO_DOCK_ENV="]):
        assert_own_env_js(sandbox, *sandbox.serve(own, *args))
        missing = httpx.get(f"{sandbox.serve(without, *args)[1]}/env.js", trust_env=False)
        assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")


def assert_own_env_js(sandbox: ImageSandbox, name: str, address: str) -> None:
    """Check that a container serves the env.js of OWN in each encoding, and has written none."""
    for accepted, body in (("identity", "own\n"), ("gzip", "own\n"), ("br", "own in brotli\n")):
        with httpx.stream("GET", f"{address}/env.js", headers={"Accept-Encoding": accepted}, trust_env=False) as asked:
            sent = b"".join(asked.iter_raw() if accepted == "br" else asked.iter_bytes()).decode()
            headers = asked.headers
        assert sent == body
        assert headers.get("content-encoding", "identity") == accepted
        assert (headers["cache-control"], headers.get("etag")) == ("no-store", None)
    assert "env.js" not in sandbox.engine.exec(name, ["ls", "/tmp"]).output  # noqa: S108 - the container's own


def test_no_other_file_of_the_containers_tmp_is_served(sandbox: ImageSandbox, built_project: ProjectUnderTest) -> None:
    """No spelling of a path leads to another file of /tmp, nor to env.js under another name."""
    _, address = sandbox.serve(built_project.image, "--env", 'HELLO_DOCK_ENV={"canary":5}')
    assert b"canary" in raw(address, "/env.js")[1]
    ways = [
        "/run/", "//run/", "/%72un/", "/run%2f", "/..%2frun/", "/%2e%2e/run/", "/assets/../run/",
        "/assets/..%2f../run/", "/carried/../run/", "/site/../run/", "/env.js/../run/", "/tmp/", "/env.js/",  # noqa: S108 - the container's own
    ]  # fmt: skip
    for path in [way + name for way in ways for name in ("nginx.pid", "env.js", "%6eginx.pid", "")]:
        status, body = raw(address, path)
        assert b"canary" not in body, path
        assert not body.strip().isdigit(), path
        assert status in {400, 404} or b'<div id="app">' in body, path


def build_on(sandbox: ImageSandbox, built_project: ProjectUnderTest, checkout: Path, base: str) -> str:
    """Build the production image on another nginx; its name."""
    node = next(arg for arg in built_project.build.split() if arg.startswith("NODE_IMAGE="))
    name = sandbox.name("image")
    values = [node, f"NGINX_IMAGE={base}", "HELLO_DOCK_CSP=strict"]  # the app's own policy: hello-dock.yaml
    args = [*(arg for value in values for arg in ("--build-arg", value)), *built_project.authority_args]
    docker("image", "build", "--tag", name, *args, ".", cwd=checkout)
    return name


# The last version without the directive, and one that only a comparison of numbers finds later than it.
@pytest.mark.parametrize(
    ("version", "lines"),
    [("1.27.3", 0), ("1.27.10", 1), long("1.26.3", 0), long("1.27.4", 1), long("1.28", 1), long("2.0.0", 1)],
)
def test_an_older_nginx_gets_no_directive_that_it_does_not_know(
    sandbox: ImageSandbox, built_project: ProjectUnderTest, checkout: Path, version: str, lines: int
) -> None:
    """The rest of its configuration is the same, and it starts."""
    image = built_project.engine.image(built_project.image)
    assert image is not None
    base = sandbox.name("image")
    lines_of_wrapper = ["#!/bin/sh", f'[ "$1" != -v ] || {{ echo nginx version: nginx/{version} >&2; exit; }}']
    wrapper = shlex.join([*lines_of_wrapper, 'exec /usr/sbin/nginx "$@"'])
    script = f"RUN printf '%s\\n' {wrapper} >/usr/local/bin/nginx && chmod +x /usr/local/bin/nginx"
    origin = image.labels["org.opencontainers.image.base.name"]
    docker("image", "build", "--quiet", "--tag", base, "-", stdin=f"FROM {origin}\n{script}\n")
    built = build_on(sandbox, built_project, checkout, base)

    def configuration(image: str) -> list[str]:
        printed = docker(
            "container", "run", "--rm", *BARE, *TMPFS, image, "sh", "-c", "cat /etc/nginx/*.conf /etc/nginx/*/*.conf"
        )
        return printed.splitlines()

    ours = configuration(built)
    assert len([line for line in ours if line.startswith("keepalive_min_timeout ")]) == lines
    without = [line for line in configuration(built_project.image) if not line.startswith("keepalive_min_timeout ")]
    assert [line for line in ours if not line.startswith("keepalive_min_timeout ")] == without
    sandbox.serve(built)
