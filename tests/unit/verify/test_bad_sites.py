"""Sites that are hostile, broken or slow, on real sockets: a verdict or one error, bounded in time and memory."""

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
from docktasks.verify.probes import content_encoding, crawler, http_client, raw_socket
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import Answer
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import ROOT, configured
from tests.unit.fakes.sites import compress

HTTP = [check for check in catalog.all_checks() if check.group == "http"]
SHORT, SMALL = 0.3, 1 << 20
PAGE = b'<!doctype html><meta charset="utf-8"><script type="module" src="/assets/index-Dk1aQz7_.js"></script>'


class Server(socketserver.ThreadingTCPServer):
    """Answers each request with what `respond` yields for its path; `ended` lets one that waits go on."""

    daemon_threads, block_on_close = True, False

    def __init__(self, respond: Callable[[str], Iterator[bytes]]) -> None:
        self.respond, self.ended = respond, threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(socketserver.StreamRequestHandler):
    """One connection, one request."""

    server: Server

    def handle(self) -> None:
        """Read the head of the request, and send until the caller has had enough."""
        line = self.rfile.readline().split(b" ")
        while self.rfile.readline().strip():
            pass
        try:
            for piece in self.server.respond(line[1].decode() if len(line) > 1 else "/"):
                self.wfile.write(piece)
        except OSError:
            return


Respond = Callable[[str], Iterator[bytes]]


@pytest.fixture(autouse=True)
def web(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests leave this process; nobody has to wait long."""
    monkeypatch.setattr(http_client, "REQUEST", SHORT)
    monkeypatch.setattr(raw_socket, "WAIT", SHORT)
    monkeypatch.setattr(http_client, "ALTOGETHER", 4 * SHORT)
    monkeypatch.setattr(http_client, "LARGEST", SMALL)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is slow on a busy machine alone."""
    for module, name in ((http_client, "REQUEST"), (http_client, "ALTOGETHER"), (raw_socket, "WAIT")):
        monkeypatch.setattr(module, name, 30)


@pytest.fixture
def serve() -> Iterator[Callable[[Respond], Server]]:
    """Starts servers that are gone after the test."""
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


def answer(body: bytes, *lines: str, status: str = "200 OK", kind: str = "text/html", length: int = -1) -> bytes:
    """An answer after which the connection is closed."""
    size = len(body) if length < 0 else length
    fields = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {size}", "Connection: close", *lines]
    return "\r\n".join([*fields, "", ""]).encode() + body


SETTINGS = configured(ROOT)


def always(*pieces: bytes) -> Respond:
    """The same for every path."""
    return lambda _path: iter(pieces)


def verdicts(url: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Outcome and evidence of every check of the address."""
    subject = run.at(url, SETTINGS)
    judged = catalog.run_checks(subject, HTTP)
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    found |= {each.check.id: (each.outcome, each.evidence) for each in judged}
    subject.site.close()
    return found


def shell(server: Server) -> Answer:
    """The answer to `/`."""
    looked = Site(server.url)
    found = looked.shell
    looked.close()
    return found


def endless(first: bytes, piece: bytes) -> Respond:
    """A beginning, and then the same without end."""

    def respond(_path: str) -> Iterator[bytes]:
        yield first
        while True:
            yield piece

    return respond


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@pytest.mark.parametrize(
    "begins", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", HEAD + b"\r\n"], ids=["silent", "headers", "body"]
)
def test_one_that_drips_is_given_up(serve: Callable[[Respond], Server], begins: bytes) -> None:
    """A byte now and then keeps every timeout between two bytes from ending; the request has one end all the same."""
    server = serve(lambda _path: iter(()))

    def respond(_path: str) -> Iterator[bytes]:
        yield begins
        while not server.ended.wait(SHORT / 10):
            if begins:
                yield b"a"

    server.respond = respond
    with pytest.raises(VerifyError, match="does not answer: "):
        run.at(server.url, SETTINGS)


def test_a_site_whose_every_file_hangs_ends(serve: Callable[[Respond], Server]) -> None:
    """All requests have one limit together, else each check would wait anew."""
    names = "".join(f'<script src="/assets/a-Abcdef{number:02}.js"></script>' for number in range(99)).encode()
    server = serve(lambda _path: iter(()))

    def respond(path: str) -> Iterator[bytes]:
        if path == "/":
            yield answer(PAGE + names)
        server.ended.wait()

    server.respond = respond
    found = verdicts(server.url)
    assert found["http.files"][0] == "fail"
    assert "all requests together took more than" in found["http.traversal"][1][0]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("respond", "fault"),
    [
        (endless(HEAD + b"\r\n", b"a" * 65536), "sends more than 1,048,576 bytes"),
        (always(answer(gzip.compress(bytes(8 << 20)), "Content-Encoding: gzip")), "sends more than 1,048,576 bytes"),
        (always(answer(compress(bytes(8 << 20)), "Content-Encoding: br")), "sends more than 1,048,576 bytes"),
        (always(answer(b"no gzip at all", "Content-Encoding: gzip")), "is no gzip: Error -3"),
        (always(answer(b"no brotli at all", "Content-Encoding: br")), "is no brotli"),
        (always(answer(gzip.compress(PAGE)[:-9], "Content-Encoding: gzip")), "is gzip cut short"),
        (always(answer(compress(PAGE)[:-3], "Content-Encoding: br")), "is brotli cut short"),
    ],
    ids=["endless", "gzip bomb", "brotli bomb", "no gzip", "no brotli", "short gzip", "short brotli"],
)
def test_a_body_that_cannot_be_read_is_a_fault(
    serve: Callable[[Respond], Server], respond: Respond, fault: str
) -> None:
    """It is read up to a limit, in pieces, and the evidence says what is wrong."""
    server = serve(respond)
    found = shell(server)
    assert found.fault.startswith(fault)
    assert found.size <= SMALL + 2 * content_encoding.PIECE  # brotli counts in blocks of its own
    assert not found.found
    assert fault in verdicts(server.url)["http.files"][1][0]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ((b"",), "Server disconnected without sending a response"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n\r\n",), "illegal status line"),
        ((answer(PAGE, length=500),), "peer closed connection without sending complete message body"),
        ((b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 200_000,), "too many bytes|Receive buffer too long"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",), "conflicting Content-Length"),
    ],
    ids=["nothing", "another protocol", "cut short", "headers without end", "two lengths"],
)
def test_what_is_no_answer_is_one_error(serve: Callable[[Respond], Server], pieces: tuple[bytes], said: str) -> None:
    """In the words of the HTTP client."""
    with pytest.raises(VerifyError, match=f"does not answer: .*(?:{said})"):
        run.at(serve(always(*pieces)).url, SETTINGS)


@pytest.mark.usefixtures("patient")
def test_a_redirect_is_told_not_followed(serve: Callable[[Respond], Server]) -> None:
    """Wherever it leads, and were it to itself: what is judged is what was named."""
    with pytest.raises(VerifyError, match=r"redirects to /again\.") as caught:
        run.at(serve(always(answer(b"", "Location: /again", status="302 Found"))).url, SETTINGS)
    assert "Name the address" in caught.value.how


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("status", ["401 Unauthorized", "500 Internal Server Error", "404 Not Found"])
def test_one_that_answers_errors_alone_fails_and_no_more(serve: Callable[[Respond], Server], status: str) -> None:
    """The files are not there; what nobody can judge then is skipped, not failed a hundred times."""
    found = verdicts(serve(always(answer(b"no", status=status))).url)
    assert found["http.files"] == ("fail", (f"/: {status[:3]} text/html", "index.html names no file at all"))
    assert found["http.traversal"] == ("skip", (f"/ answers {status[:3]}",))
    assert {name for name, (outcome, _) in found.items() if outcome == "fail"} <= {
        "http.files", "http.deep-link", "http.cache-policy",
    }  # fmt: skip


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("body", "kind"),
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
def test_what_is_no_page_of_an_app_fails(serve: Callable[[Respond], Server], body: bytes, kind: str) -> None:
    """Every check ends with a verdict."""
    found = verdicts(serve(always(answer(body, kind=kind))).url)
    assert found["http.files"][0] == "fail"
    assert len(found) == len(HTTP)


@pytest.mark.usefixtures("patient")
def test_a_page_of_a_million_names_ends(serve: Callable[[Respond], Server], monkeypatch: pytest.MonkeyPatch) -> None:
    """So many files are asked for, and no more."""
    monkeypatch.setattr(crawler, "LIMIT", 20)
    names = b"".join(b'<img src="/%d.png">' % number for number in range(30_000))
    server = serve(lambda path: iter([answer(names if path == "/" else b"", kind="text/html")]))
    looked = Site(server.url)
    assert len(looked.files) == 20
    looked.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key."""
    path = tmp_path / "self-signed.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests"]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(tmp_path / "cert")]
    subprocess.run(make, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (tmp_path / "cert").read_bytes())
    return path


@pytest.mark.usefixtures("patient")
def test_a_certificate_that_is_not_trusted_is_told(
    serve: Callable[[Respond], Server], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the variable that makes it trusted; with it the site is judged, raw probes and all."""
    server = serve(always(answer(PAGE)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    url = server.url.replace("http:", "https:")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(VerifyError, match="self-signed certificate") as caught:
        run.at(url, SETTINGS)
    assert "SSL_CERT_FILE=" in caught.value.how
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    subject = Subject(url)
    assert subject.site.shell.found
    assert [raw.status for raw in subject.site.raw(b"GET / HTTP/1.0\r\n\r\n")] == [200]
    subject.site.close()
