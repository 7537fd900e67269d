"""What is served is compared with the image: which differences count, and at which addresses they are found."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import ClassVar

import pytest

from docktasks.app.project import Project
from docktasks.engine.models import Image
from docktasks.errors import SettingsError, VerifyError
from docktasks.settings import Settings
from docktasks.ship import comparison
from docktasks.ship.comparison import Server
from docktasks.verify.probes.http_client import Response
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

HEADERS = (("content-type", "text/css"), ("cache-control", "no-cache"), ("vary", "a"), ("vary", "b"))
OWN = Response("/a.css", 200, HEADERS, size=3, digest=b"\x01" * 32)
URL = "https://app.example"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, ""),
        ({"headers": (*HEADERS, ("via", "1.1 cdn"), ("age", "3"), ("server", "cdn"), ("x-cache", "HIT"))}, ""),
        ({"headers": (HEADERS[2], HEADERS[0], HEADERS[1], HEADERS[3])}, ""),
        ({"status": 404}, "404, not 200"),
        ({"status": 0, "fault": "refused"}, "no answer (refused), not 200"),
        ({"fault": "ends early"}, "200 (ends early), not 200"),
        ({"digest": b"\x02" * 32}, "other bytes (3 bytes, SHA-256 020202020202, not 010101010101)"),
        ({"digest": b"\x02" * 32, "size": 4}, "other bytes (4 bytes, not 3, SHA-256 020202020202, not 010101010101)"),
        ({"headers": HEADERS[1:]}, "content-type is missing, and in the image text/css"),
        ({"headers": (("etag", "1"), *HEADERS, ("content-encoding", "gzip"))},
         "content-encoding is gzip, and in the image missing"),
        ({"headers": HEADERS[:3]}, "vary is a, and in the image a; b"),
        ({"headers": (HEADERS[0], ("cache-control", "public"), *HEADERS[2:])},
         "cache-control is public, and in the image no-cache"),
        ({"headers": (*HEADERS, ("set-cookie", "a=1"))}, "set-cookie is a=1, and in the image missing"),
    ],
)  # fmt: skip
def test_difference_of_two_answers(changes: dict[str, object], text: str) -> None:
    """Status, bytes and headers count, but for headers of a connection and of what is in front."""
    assert comparison.difference(OWN, replace(OWN, **changes)) == text  # type: ignore[arg-type]


def test_header_that_the_image_sends_has_to_arrive() -> None:
    """A site may have its own rule for https. What is in front may add one, and not drop or change that."""
    rule = ("strict-transport-security", "max-age=1")
    own = replace(OWN, headers=(*HEADERS, rule, ("server", "nginx")))
    assert comparison.difference(own, replace(own, headers=(*HEADERS, rule, ("server", "cdn")))) == ""
    assert "is missing, and in the image max-age=1" in comparison.difference(own, OWN)
    assert comparison.difference(OWN, own) == ""


@pytest.mark.parametrize(
    ("urls", "image", "revision"),
    [([], "a@sha256:0", ""), ([], "", "HEAD"), ([URL], "", ""), ([URL], "a", "HEAD"), ([URL, f"{URL}/docs"], "a", "")],
)
def test_one_image_is_compared_with_addresses_of_one_path(
    settings: Settings, urls: list[str], image: str, revision: str
) -> None:
    """Nothing is asked before."""
    with pytest.raises(SettingsError):
        comparison.compare(Project(Runner(), FakeEngine(), settings), urls, image, revision)
    with pytest.raises(SettingsError, match="as a whole"):
        comparison.compare(Project(Runner(), FakeEngine(), settings), [URL], "a", "", is_alone=False)


class Replica(http.server.BaseHTTPRequestHandler):
    """Answers with its files. `changed` are the files of the replica at 127.0.0.2."""

    protocol_version = "HTTP/1.1"
    files: ClassVar[dict[str, bytes]] = {"/": b"page", "/a.js": b"one()", "/env.js": b"globalThis.env = 1;"}
    changed: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        """Answer."""
        is_second = self.connection.getsockname()[0] == "127.0.0.2"
        body = (self.files | (self.changed if is_second else {})).get(self.path, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of two replicas, whose addresses a name has."""
    first = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Replica)
    second = http.server.ThreadingHTTPServer(("127.0.0.2", first.server_port), Replica)
    threads = [threading.Thread(target=server.serve_forever) for server in (first, second)]
    for thread in threads:
        thread.start()
    resolve = socket.getaddrinfo

    def entries(host: str, port: int, *args: int, **options: int) -> list[object]:
        names = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] if host == "app.example" else [host]
        return [entry for name in names for entry in resolve(name, port, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", entries)
    monkeypatch.setattr(Replica, "changed", {})
    yield first.server_port
    for server, thread in zip((first, second), threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


def faults(port: int) -> dict[str, list[str]]:
    """Return what differs at each address of the name, by the address."""
    servers = [Server(f"http://app.example:{port}", address) for address in ("127.0.0.1", "127.0.0.2")]
    requests = [comparison._request(path, coding) for path in ("/", "/a.js") for coding in comparison.CODINGS]  # noqa: SLF001
    with closing(servers[0].site()) as site:
        answers = dict(zip(requests, site.client.send_all(requests), strict=True))
    faults = {server: [*comparison._differences(server, answers)] for server in servers}  # noqa: SLF001
    served_texts = {server.address: texts for server, texts in faults.items()}
    if any(faults.values()):
        with pytest.raises(VerifyError, match=r"at 127\.0\.0\.2: /a\.js"):
            comparison._require_none(faults, [])  # noqa: SLF001
    return served_texts


def test_one_replica_of_a_name_is_found(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with several addresses is asked at each, and one text names the path once for all codings."""
    assert faults(port) == {"127.0.0.1": [], "127.0.0.2": []}
    monkeypatch.setattr(Replica, "changed", {"/a.js": b"two()"})
    assert [text.partition(":")[0] for text in faults(port)["127.0.0.2"]] == ["/a.js"]


def test_configuration_is_read_from_the_site(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script of the site's own, or one that no release wrote, is no configuration."""
    first, second = (Server(f"http://app.example:{port}", f"127.0.0.{number}") for number in (1, 2))
    assert comparison._configuration(first) == ""  # noqa: SLF001
    objects = ('{"API_URL":"a"}', '{"LIMIT":1,"FLAGS":{"a":true}}', '{\n  "API_URL": "a"\n}')
    for text in (*objects, "{a}", "[]", "[" * 60_000):
        expected = text if text in objects else ""
        script = f"globalThis.env = Object.freeze({text});\n".encode()
        monkeypatch.setattr(Replica, "changed", {"/env.js": script})
        assert comparison._configuration(second) == expected  # noqa: SLF001


def test_pages_and_missing_files_are_compared_too() -> None:
    """Each page has a second address."""
    names = ["index.html", "a/index.html", "b.html", "c d.js"]
    paths = comparison._paths(Server("https://app.example/docs").site(), names)  # noqa: SLF001
    assert paths[:7] == [
        "/docs/a/index.html",
        "/docs/b.html",
        "/docs/c%20d.js",
        "/docs/index.html",
        "/docs/a/",
        "/docs/b",
        "/docs/",
    ]
    assert len(paths) == 9


def test_image_that_cannot_be_read_is_one_clear_error(settings: Settings) -> None:
    """Its layers may be compressed in a way that is not read here."""
    run = Runner()
    original = comparison._run(Project(run, FakeEngine(), settings), Image("sha256:0a1b"), Server(URL))  # noqa: SLF001
    with pytest.raises(VerifyError, match="0a1b cannot be read: its archive"), original:
        pass
    assert run.ran == []
