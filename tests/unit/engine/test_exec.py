"""Run a command in a container, with the real SDK and an engine that answers in one piece."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import docker
import pytest
from docker.errors import APIError

from docktasks.commands import Result
from docktasks.engine.client import DockerEngine

FRAMES = b"".join(
    bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text
    for stream, text in ((1, b"a" * 300 + b"\n"), (2, b"b\xff\n"), (1, b""))
)


class Engine(BaseHTTPRequestHandler):
    """Answers headers and body in one packet, as an engine may on a busy machine."""

    started = (200, FRAMES)
    status = 201

    def do_POST(self) -> None:
        """Prepare a command, or start it."""
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1.45/exec/7/start":
            self._answer(*self.started)
        else:
            assert self.path == "/v1.45/containers/web/exec"
            self._answer(self.status, json.dumps({"Id": "7", "message": "it is not running"}).encode())

    def do_GET(self) -> None:
        """Tell how the command ended."""
        assert self.path == "/v1.45/exec/7/json"
        self._answer(200, b'{"ExitCode": 3}')

    def _answer(self, status: int, body: bytes) -> None:
        self.wfile.write(b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\n\r\n" % status + body)

    def log_message(self, *_args: object) -> None:
        """Print nothing."""


@pytest.fixture
def engine() -> Iterator[DockerEngine]:
    """Return a DockerEngine of the engine above."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    client = docker.DockerClient(base_url=f"tcp://127.0.0.1:{server.server_port}", version="1.45")
    yield DockerEngine(lambda: (client, {}))
    client.close()
    server.shutdown()
    server.server_close()


def test_output_that_comes_with_the_headers_is_not_lost(engine: DockerEngine) -> None:
    """All frames of both streams are there, as text. Bytes that are not UTF-8 are replaced."""
    assert engine.exec("web", ["cat", "/x"]) == Result(3, "a" * 300 + "\nb�\n")


@pytest.mark.parametrize("status", [404, 409])
def test_exec_in_a_container_that_has_ended_fails(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """The result is that of a failed command, also if the container ends before the command starts."""
    monkeypatch.setattr(Engine, "started", (status, b"gone"))
    assert engine.exec("web", ["cat", "/x"]) == Result(1, "gone")
    monkeypatch.setattr(Engine, "status", status)
    assert engine.exec("web", ["cat", "/x"]) == Result(1, "it is not running")


def test_any_other_refusal_is_an_error_of_the_engine(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that is there has no output of which nobody knows that it is missing."""
    monkeypatch.setattr(Engine, "started", (500, b"no memory"))
    with pytest.raises(APIError, match="no memory"):
        engine.exec("web", ["cat", "/x"])
