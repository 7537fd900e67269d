"""Hostile, broken and slow sites on real sockets. Each gets verdicts or one error, in bounded time and memory."""

from __future__ import annotations

import gzip
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docktasks.errors import VerifyError
from docktasks.verify import catalog, run
from docktasks.verify.probes import crawler, http_client, raw_socket
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import Response
from docktasks.verify.subject import Subject
from tests.unit.fakes.sites import compress

HTTP_CHECKS = catalog.select(["http"])
SHORT_S = 0.3
MAX_BODY_BYTES = 1 << 20
ZEROS = bytes(8 << 20)
PAGE = b'<!doctype html><meta charset="utf-8"><script type="module" src="/assets/index-Dk1aQz7_.js"></script>'


class Server(socketserver.ThreadingTCPServer):
    """Sends what `respond` yields for the path of a request. `ended` is set at the end of the test."""

    daemon_threads, block_on_close = True, False

    def __init__(self, respond: Callable[[str], Iterator[bytes]]) -> None:
        self.respond, self.ended = respond, threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(socketserver.StreamRequestHandler):
    """One connection with one request."""

    server: Server

    def handle(self) -> None:
        """Read the head of the request, and send until the client closes the connection."""
        line = self.rfile.readline().split(b" ")
        while self.rfile.readline().strip():
            pass
        try:
            for chunk in self.server.respond(line[1].decode() if len(line) > 1 else "/"):
                self.wfile.write(chunk)
        except OSError:
            return


Respond = Callable[[str], Iterator[bytes]]


@pytest.fixture(autouse=True)
def web(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow requests to real sockets, and shorten every limit."""
    monkeypatch.setattr(http_client, "REQUEST_TIMEOUT_S", SHORT_S)
    monkeypatch.setattr(raw_socket, "EXCHANGE_TIMEOUT_S", SHORT_S)
    monkeypatch.setattr(http_client, "TOTAL_TIMEOUT_S", 4 * SHORT_S)
    monkeypatch.setattr(http_client, "MAX_BODY_BYTES", MAX_BODY_BYTES)


@pytest.fixture
def long_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo the shorter limits, which a busy machine may not keep."""
    for module, name in (
        (http_client, "REQUEST_TIMEOUT_S"),
        (http_client, "TOTAL_TIMEOUT_S"),
        (raw_socket, "EXCHANGE_TIMEOUT_S"),
    ):
        monkeypatch.setattr(module, name, 30)


@pytest.fixture
def serve() -> Iterator[Callable[[Respond], Server]]:
    """Start a server that stops after the test."""
    started: list[Server] = []

    def start(respond: Respond) -> Server:
        server = Server(respond)
        started.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return server

    yield start
    for server in started:
        server.ended.set()
        server.shutdown()
        server.server_close()


def response(
    body: bytes, *lines: str, status: str = "200 OK", media_type: str = "text/html", length: int = -1
) -> bytes:
    """A response after which the connection is closed."""
    size = len(body) if length < 0 else length
    fields = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {media_type}",
        f"Content-Length: {size}",
        "Connection: close",
        *lines,
    ]
    return "\r\n".join([*fields, "", ""]).encode() + body


def always(*chunks: bytes) -> Respond:
    """Send the same for every path."""
    return lambda _path: iter(chunks)


def verdicts(url: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Outcome and evidence of every http check, by id."""
    subject = run.subject_at(url)
    try:
        return {
            verdict.check.id: (verdict.outcome, verdict.evidence)
            for verdict in catalog.run_checks(subject, HTTP_CHECKS)
        }
    finally:
        subject.site.close()


def index_of(server: Server) -> Response:
    """The response to `/`."""
    site = Site(server.url)
    try:
        return site.index
    finally:
        site.close()


def endless(start: bytes, chunk: bytes) -> Respond:
    """Send a start, and then the same chunk without end."""

    def respond(_path: str) -> Iterator[bytes]:
        yield start
        while True:
            yield chunk

    return respond


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@pytest.mark.parametrize("start", [b"", HEAD + b"X-A: ", HEAD + b"\r\n"], ids=["silent", "headers", "body"])
def test_server_that_drips_is_given_up(serve: Callable[[Respond], Server], start: bytes) -> None:
    """Single bytes keep the timeout between two bytes from ending, so a whole answer has a limit of its own."""
    server = serve(lambda _path: iter(()))

    def respond(_path: str) -> Iterator[bytes]:
        yield start
        while not server.ended.wait(SHORT_S / 10):
            if start:
                yield b"a"

    server.respond = respond
    with pytest.raises(VerifyError, match="does not answer: "):
        run.subject_at(server.url)


def test_site_whose_files_all_hang_ends(serve: Callable[[Respond], Server]) -> None:
    """All requests together have one limit, or each check would wait for every file."""
    names = "".join(f'<script src="/assets/a-Abcdef{number:02}.js"></script>' for number in range(99)).encode()
    server = serve(lambda _path: iter(()))

    def respond(path: str) -> Iterator[bytes]:
        if path == "/":
            yield response(PAGE + names)
        server.ended.wait()

    server.respond = respond
    results = verdicts(server.url)
    assert results["http.answers"][0] == "fail"


def test_server_that_never_answers_errors_is_not_asked_for_all(
    serve: Callable[[Respond], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few requests of one kind without an answer the others are not asked. One check reports them."""
    monkeypatch.setattr(http_client, "TOTAL_TIMEOUT_S", 60)
    server, asked = serve(lambda _path: iter(())), list[str]()

    def respond(path: str) -> Iterator[bytes]:
        asked.append(path)
        name = path.partition("?")[0]
        if "." in name and name != "/assets/index-Dk1aQz7_.js":
            server.ended.wait()
        yield response(PAGE) if "." not in name else response(b"1", media_type="text/javascript")

    server.respond = respond
    results = verdicts(server.url)
    outcome, evidence = results["http.answers"]
    assert outcome == "fail"
    assert any("no whole answer within 0.3 s on " in line for line in evidence), evidence
    assert any("not asked, because " in line for line in evidence)
    assert sum(path.startswith("/dist.") for path in asked) == 0
    assert results["http.hidden-files"][0] != "fail"


@pytest.mark.usefixtures("long_timeouts")
def test_server_that_keeps_the_connection_open_is_not_waited_for(serve: Callable[[Respond], Server]) -> None:
    """The length of an answer tells where it ends, whatever the server does with the connection."""
    server = serve(lambda _path: iter(()))

    def respond(_path: str) -> Iterator[bytes]:
        yield response(PAGE)
        server.ended.wait()

    server.respond = respond
    answer = raw_socket.exchange(server.url, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 30)
    assert (answer.status, answer.is_closed) == (200, False)
    assert not server.ended.is_set()


@pytest.mark.usefixtures("long_timeouts")
def test_long_answer_is_judged_by_its_beginning(serve: Callable[[Respond], Server]) -> None:
    """A script of megabytes is no fault of the server."""
    server = serve(always(response(ZEROS, media_type="text/javascript")))
    (answer,) = Site(server.url).send_raw([b"GET / HTTP/1.0\r\n\r\n"])
    assert (answer.status, answer.fault, answer.is_closed) == (200, "", True)
    assert len(answer.body) < len(ZEROS)


@pytest.mark.usefixtures("long_timeouts")
@pytest.mark.parametrize(
    ("respond", "fault"),
    [
        (endless(HEAD + b"\r\n", b"a" * 65536), "sends more than 1,048,576 bytes"),
        (
            always(response(gzip.compress(ZEROS), "Content-Encoding: gzip")),
            "decodes to more than 1,048,576 bytes",
        ),
        (always(response(compress(ZEROS), "Content-Encoding: br")), "decodes to more than 1,048,576 bytes"),
        (always(response(b"no gzip at all", "Content-Encoding: gzip")), "is not gzip: Error -3"),
        (always(response(b"no brotli at all", "Content-Encoding: br")), "is not brotli: "),
        (always(response(gzip.compress(PAGE)[:-9], "Content-Encoding: gzip")), "is gzip cut short"),
        (always(response(compress(PAGE)[:-3], "Content-Encoding: br")), "is brotli cut short"),
    ],
    ids=["endless", "gzip bomb", "brotli bomb", "no gzip", "no brotli", "short gzip", "short brotli"],
)
def test_unreadable_body_is_a_fault(serve: Callable[[Respond], Server], respond: Respond, fault: str) -> None:
    """The body is read up to a limit, and the evidence says what is wrong."""
    server = serve(respond)
    index = index_of(server)
    assert index.fault.startswith(fault)
    assert index.size <= MAX_BODY_BYTES + 65536  # one read of the network
    assert not index.is_ok
    assert fault in verdicts(server.url)["http.files"][1][0]


@pytest.mark.usefixtures("long_timeouts")
@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ((b"",), "Server disconnected without sending a response"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n\r\n",), "illegal status line"),
        ((response(PAGE, length=500),), "the connection ends 400 bytes before the end of the answer"),
        ((b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 200_000,), "headers of more than 100,000 bytes"),
        (
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",),
            "illegal length of an answer: '[56] and [56]'",
        ),
    ],
    ids=["nothing", "another protocol", "cut short", "headers without end", "two lengths"],
)
def test_invalid_response_is_one_error(serve: Callable[[Respond], Server], chunks: tuple[bytes], reason: str) -> None:
    """The error has the HTTP client's reason."""
    with pytest.raises(VerifyError, match=f"does not answer: .*(?:{reason})"):
        run.subject_at(serve(always(*chunks)).url)


@pytest.mark.usefixtures("long_timeouts")
def test_redirect_is_not_followed(serve: Callable[[Respond], Server]) -> None:
    """Only the address that was named is checked. The error says where the redirect leads."""
    with pytest.raises(VerifyError, match=r"redirects to /again\.") as caught:
        run.subject_at(serve(always(response(b"", "Location: /again", status="302 Found"))).url)
    assert "Name the address" in caught.value.how


@pytest.mark.usefixtures("long_timeouts")
@pytest.mark.parametrize("status", ["401 Unauthorized", "500 Internal Server Error", "404 Not Found"])
def test_site_with_only_errors_fails_once(serve: Callable[[Respond], Server], status: str) -> None:
    """The files are missing. Checks that need a page are skipped."""
    results = verdicts(serve(always(response(b"no", status=status))).url)
    assert results["http.files"] == ("fail", (f"/: {status[:3]} text/html",))
    assert results["http.traversal"] == ("skip", (f"/ answers {status[:3]}",))
    assert {name for name, (outcome, _) in results.items() if outcome == "fail"} <= {
        "http.files", "http.deep-link", "http.cache-policy",
    }  # fmt: skip


@pytest.mark.usefixtures("long_timeouts")
@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"<h1>It works!</h1>", "text/html"),
        (b"", "text/html"),
        (b"\xff\xfe\x00<![x[<script src=", "text/html"),
        (b"<script src='http://[x'></script><img src='http://x:y/'><link rel=icon href='/\x01'><a <<", "text/html"),
        (b"{}", "application/json"),
        (b"\x89PNG", "image/png"),
    ],
    ids=["no assets", "empty", "binary", "odd names", "json", "image"],
)
def test_site_without_an_app_fails(serve: Callable[[Respond], Server], body: bytes, media_type: str) -> None:
    """Every check ends with a verdict."""
    results = verdicts(serve(always(response(body, media_type=media_type))).url)
    assert results["http.files"][0] == "fail"
    assert len(results) == len(HTTP_CHECKS)


@pytest.mark.usefixtures("long_timeouts")
def test_page_with_too_many_references_ends(
    serve: Callable[[Respond], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of files that are requested has a limit."""
    monkeypatch.setattr(crawler, "MAX_SITE_FILES", 20)
    names = b"".join(b'<img src="/%d.png">' % number for number in range(30_000))
    server = serve(lambda path: iter([response(names if path == "/" else b"", media_type="text/html")]))
    site = Site(server.url)
    assert len(site.files) == 20
    site.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    path = tmp_path / "self-signed.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests"]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(tmp_path / "cert")]
    subprocess.run(make, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (tmp_path / "cert").read_bytes())
    return path


@pytest.mark.usefixtures("long_timeouts")
def test_untrusted_certificate_is_an_error(
    serve: Callable[[Respond], Server], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable that makes the certificate trusted. With it all probes work, raw ones too."""
    server = serve(always(response(PAGE)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    url = server.url.replace("http:", "https:")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(VerifyError, match="self-signed certificate") as caught:
        run.subject_at(url)
    assert "SSL_CERT_FILE=" in caught.value.how
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    subject = Subject(url)
    assert subject.site.index.is_ok
    assert [reply.status for reply in subject.site.send_raw([b"GET / HTTP/1.0\r\n\r\n"])] == [200]
    subject.site.close()
