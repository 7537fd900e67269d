from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import ClassVar

import pytest

from tests.engine.support import Project, free_port


class Registry(http.server.BaseHTTPRequestHandler):
    """A registry that answers each request for an image with one status."""

    status: ClassVar[HTTPStatus] = HTTPStatus.NOT_FOUND
    codes: ClassVar[dict[HTTPStatus, str]] = {
        HTTPStatus.NOT_FOUND: "MANIFEST_UNKNOWN",
        HTTPStatus.UNAUTHORIZED: "UNAUTHORIZED", HTTPStatus.FORBIDDEN: "DENIED",
    }  # fmt: skip

    def do_GET(self) -> None:
        """Answer the version question, and refuse the rest."""
        asked = HTTPStatus.OK if self.path == "/v2/" else self.status
        code = self.codes.get(asked, "")
        body = f'{{"errors": [{{"code": "{code}", "message": "{asked.phrase.lower()}"}}]}}'.encode() if code else b"{}"
        self.send_response(asked)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    """Address of such a registry; the engine takes those on the loopback without TLS."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("source", ["auto", "registry"])
@pytest.mark.parametrize("status", [HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN])
def test_registry_that_refuses(
    good: Project, registry: str, status: HTTPStatus, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not found and denied are answers: they end the build, and no stand-in hides a mistyped name."""
    monkeypatch.setattr(Registry, "status", status)
    image = f"{registry}/node:lts-alpine"
    output = good.fails("build-prod", INVOKE_BASES_SOURCE=source, INVOKE_BASES_NODE_IMAGE=image)
    assert f"The registry refused {image}." in output
    assert "docker login" in output
    assert "stand-in for" not in output
    assert "docker image build" not in output


def test_registry_that_is_not_reached(good: Project) -> None:
    """With bases.source=registry a registry that is not reached is an error, and nothing is stood in."""
    image = f"127.0.0.1:{free_port()}/nginx:stable-alpine"
    output = good.fails("build-prod", INVOKE_BASES_SOURCE="registry", INVOKE_BASES_NODE_IMAGE=image)
    assert f"No registry answers for {image}." in output
    assert "INVOKE_BASES_SOURCE=auto" in output
    assert "docker image build" not in output


def test_no_standin_for_an_image_of_ones_own(good: Project) -> None:
    """Where no registry is reached, there is a stand-in for the default images alone, and the error says so."""
    image = f"127.0.0.1:{free_port()}/our/node:1"
    output = good.fails("build-prod", INVOKE_BASES_SOURCE="auto", INVOKE_BASES_NODE_IMAGE=image)
    assert f"there is no stand-in for {image}" in output
    assert "docker image load" in output
