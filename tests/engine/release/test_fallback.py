"""What the port holder answers in a release's place, next to what the release answered."""

from __future__ import annotations

import re

import httpx
import pytest

from benchmarks.network import free_port
from docktasks.images.build import BASE_LABEL
from docktasks.waiting import http_ready, wait_until
from tests.support.commands import docker
from tests.support.project import RUN_STAGED, ProjectFactory, ProjectUnderTest

BASE_PATH = """USER root
RUN mkdir -p /etc/nginx/base && echo 'rewrite "^/shop/(.*)$" /$1 last;' >/etc/nginx/base/base.conf
USER 101:101"""
"""The layer of an app that was built with a base path, as assemble.mjs writes it."""

FIRST_RELEASE = """USER root
RUN cd /srv/hashed && seq 500 >site/assets/First-Abcdef12.js && gzip -k site/assets/First-Abcdef12.js \
    && mkdir -p br/assets && seq 9 >br/assets/First-Abcdef12.js
USER 101:101"""
"""The layer of an earlier release: an asset that the current one does not have, and its compressed copies."""

PATHS = (
    "/", "/index.html", "/deep/link", "/healthz", "/env.js", "/favicon.svg", "/robots.txt", "/missing.txt",
    "/missing.js", "/assets/", "/assets/no-extension", "/assets/Missing-Abcdef12.js", "/assets/First-Abcdef12.js",
    "/assets/First-Abcdef12.js.gz", "/.git/config", "/.well-known/x", "/index.html~", "/run/env.js", "/site/index.html",
    "/hashed/site/index.html", "/carried/site/assets/First-Abcdef12.js", "/releases/", "/current/environment",
)  # fmt: skip
"""Places of ours, and of nobody; {asset} of the current release is added."""

OLD_NGINX = r"""USER root
RUN mv "$(command -v nginx)" /bin/nginx-that-knows && printf '%s\n' '#!/bin/sh' \
    'for word; do case $word in *.conf) grep -rq "^keepalive_min_timeout" "${word%/*}" && exit 1 ;; esac; done' \
    'exec /bin/nginx-that-knows "$@"' >/bin/nginx && chmod +x /bin/nginx"""
"""The layer of an nginx that starts with no configuration that has keepalive_min_timeout, as before 1.27.4."""

REQUESTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("GET", {"Accept-Encoding": "identity"}), ("GET", {"Accept-Encoding": "gzip"}),
    ("GET", {"Accept-Encoding": "br, gzip"}), ("HEAD", {"Accept-Encoding": "br"}), ("POST", {}),
    ("GET", {"Accept-Encoding": "identity", "Range": "bytes=0-9"}),
    ("GET", {"Accept-Encoding": "identity", "Range": "bytes=99999999-"}),
    ("GET", {"Accept-Encoding": "identity", "If-None-Match": "*"}),
)  # fmt: skip

Answer = tuple[int, list[tuple[str, str]], bytes]


def answers(url: str) -> dict[str, Answer]:
    """Return status, headers and body for each place and kind of request."""
    asset = re.search(r'src="(/assets/[^"]+\.js)"', httpx.get(url, trust_env=False).text)
    assert asset
    paths = [base + path for base in ("", "/shop") for path in (*PATHS, asset[1])]
    collected: dict[str, Answer] = {}
    with httpx.Client(base_url=url, trust_env=False) as client:
        for path in paths:
            for method, headers in REQUESTS:
                with client.stream(method, path, headers=headers) as response:
                    body = b"".join(response.iter_raw())
                    kept = sorted((name, value) for name, value in response.headers.multi_items() if name != "date")
                    collected[f"{method} {path} {headers}"] = response.status_code, kept, body
    return collected


def stop_release(project: ProjectUnderTest, url: str) -> None:
    """Stop the release, and wait until the port holder serves."""
    docker("container", "stop", f"{project.name}-prod")
    probe = wait_until(lambda: http_ready(url), limit=60)
    assert probe.ready, probe.status


@pytest.fixture
def project(new_project: ProjectFactory, built_project: ProjectUnderTest) -> ProjectUnderTest:
    """A project whose second release serves, with a configuration and a base path."""
    project = new_project(PROD_HOST_PORT=str(free_port()))
    project.stage(built_project.image, FIRST_RELEASE)
    project.succeeds(*RUN_STAGED)
    project.stage(built_project.image, BASE_PATH)
    project.succeeds(*RUN_STAGED, "--env", "API_URL=https://api.example.com")
    return project


def test_port_holder_answers_every_place_as_the_release(project: ProjectUnderTest) -> None:
    """Health check, configuration, pages, assets of all releases, errors and headers stay the same."""
    url = project.container().url
    before = answers(url)
    statuses = {status for status, _, _ in before.values()}
    assert statuses == {200, 206, 304, 404, 405, 416}
    stop_release(project, url)
    after = answers(url)
    assert {request: (before[request], answer) for request, answer in after.items() if answer != before[request]} == {}


@pytest.mark.long  # the stand-in's nginx is a newer one
def test_port_holder_with_an_older_nginx_serves_too(
    new_project: ProjectFactory, built_project: ProjectUnderTest
) -> None:
    """A port holder keeps its image while releases change. It leaves out what only their nginx knows."""
    project = new_project(PROD_HOST_PORT=str(free_port()))
    image = built_project.engine.image(built_project.image)
    assert image is not None
    old_base = f"{project.name}:old-base"
    project.stage(image.labels[BASE_LABEL], OLD_NGINX, tag=old_base)
    project.stage(built_project.image, f"LABEL {BASE_LABEL}={old_base}")
    project.succeeds(*RUN_STAGED)
    page = project.get()
    stop_release(project, project.container().url)
    assert httpx.get(page.url, trust_env=False).text == page.text
