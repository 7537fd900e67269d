from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import ClassVar

import pytest

from benchmarks.network import free_port
from docktasks.images.build import BASE_LABEL
from docktasks.images.references import familiar
from tests.support.commands import docker
from tests.support.long_forms import long
from tests.support.project import ProjectUnderTest


class Registry(http.server.BaseHTTPRequestHandler):
    """A registry that answers each request for an image with one status."""

    status: ClassVar[HTTPStatus] = HTTPStatus.NOT_FOUND
    codes: ClassVar[dict[HTTPStatus, str]] = {
        HTTPStatus.NOT_FOUND: "MANIFEST_UNKNOWN",
        HTTPStatus.UNAUTHORIZED: "UNAUTHORIZED", HTTPStatus.FORBIDDEN: "DENIED",
    }  # fmt: skip

    def do_GET(self) -> None:
        """Answer the version request with 200 and every other request with `status`."""
        status = HTTPStatus.OK if self.path == "/v2/" else self.status
        code = self.codes.get(status, "")
        body = f'{{"errors": [{{"code": "{code}", "message": "{status.phrase.lower()}"}}]}}'.encode() if code else b"{}"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    """The address of such a registry. The engine uses registries on the loopback without TLS."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


# One that no registry has, and one that it denies.
@pytest.mark.parametrize(
    ("status", "source"),
    [(HTTPStatus.NOT_FOUND, "auto"), (HTTPStatus.UNAUTHORIZED, "registry"), long(HTTPStatus.FORBIDDEN, "auto"),
     long(HTTPStatus.NOT_FOUND, "registry"), long(HTTPStatus.UNAUTHORIZED, "auto"),
     long(HTTPStatus.FORBIDDEN, "registry")],
)  # fmt: skip
def test_refused_image_ends_the_build_without_a_standin(
    built_project: ProjectUnderTest, registry: str, status: HTTPStatus, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that the registry does not have, or denies, ends the build, so no stand-in hides a wrong name."""
    monkeypatch.setattr(Registry, "status", status)
    image = f"{registry}/node:lts-alpine"
    output = built_project.fails("build-prod", INVOKE_BASES_SOURCE=source, INVOKE_BASES_NODE_IMAGE=image)
    assert f"The registry refused {image}." in output
    assert "docker login" in output
    assert "stand-in for" not in output
    assert "docker image build" not in output


def test_unreachable_registry_is_an_error_when_stand_ins_are_off(built_project: ProjectUnderTest) -> None:
    """With bases.source=registry, a registry that cannot be reached ends the build. There is no stand-in."""
    image = f"127.0.0.1:{free_port()}/nginx:stable-alpine"
    output = built_project.fails("build-prod", INVOKE_BASES_SOURCE="registry", INVOKE_BASES_NODE_IMAGE=image)
    assert f"No registry answers for {image}." in output
    assert "INVOKE_BASES_SOURCE=auto" in output
    assert "docker image build" not in output


def test_image_of_ones_own_has_no_standin(built_project: ProjectUnderTest) -> None:
    """Without a registry only the default images have stand-ins, and the error says so."""
    image = f"127.0.0.1:{free_port()}/our/node:1"
    output = built_project.fails("build-prod", INVOKE_BASES_SOURCE="auto", INVOKE_BASES_NODE_IMAGE=image)
    assert f"there is no stand-in for {image}" in output
    assert "docker image load" in output


@pytest.mark.parametrize("spelling", [long("docker.io/{}/{}"), "index.docker.io/{}/{}:latest", long("localhost/{}/{}")])
def test_site_is_verified_by_each_spelling_of_the_base_images(
    project: ProjectUnderTest, built_project: ProjectUnderTest, spelling: str
) -> None:
    """The engine lists the images without Docker Hub's name, and with a tag. Nothing is pulled, and no check skips."""
    image = built_project.engine.image(built_project.image)
    assert image is not None
    nginx = image.labels[BASE_LABEL]
    node = next(word for word in built_project.build.split() if word.startswith("NODE_IMAGE=")).partition("=")[2]
    names = {kind: spelling.format(project.name, kind) for kind in ("node", "nginx")}
    try:
        for kind, base in (("node", node), ("nginx", nginx)):
            docker("image", "tag", base, names[kind])
        settings = {f"INVOKE_BASES_{kind.upper()}_IMAGE": name for kind, name in names.items()}
        output = project.succeeds("build-prod", **settings)
        assert "docker image pull" not in output
        assert f"{BASE_LABEL}={familiar(names['nginx'])}" in output
        verdicts = project.succeeds("verify", f"--image={project.image}", "--strict", "--group=image", **settings)
        assert ", 0 failed, 0 skipped" in verdicts
    finally:
        docker("image", "rm", *names.values())
