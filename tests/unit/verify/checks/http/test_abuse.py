from __future__ import annotations

import httpx
import pytest

from docktasks.verify import catalog
from docktasks.verify.probes.places import MISSING_NAME
from docktasks.verify.probes.raw_socket import RawResponse, parse
from tests.unit.fakes.site_faults import assert_reported, body, header, on_header, on_method, on_path, status
from tests.unit.fakes.sites import Answer, Fault, Site, subject


def leak(request: httpx.Request, answer: Answer) -> None:
    """A path that leads out of the site."""
    if "passwd" in request.url.path:
        answer.status, answer.body = 200, b"root:x:0:0:root:/root:/bin/sh\n"


def redirect_to_host(request: httpx.Request, answer: Answer) -> None:
    """A redirect to a folder on whatever Host was sent."""
    if request.url.path.endswith("/assets"):
        answer.status = 301
        answer.set("location", f"http://{request.headers['host']}/assets/")


def decoded_path_in_header(request: httpx.Request, answer: Answer) -> None:
    """A header that contains the path, decoded."""
    if "\r\n" in request.url.path:
        answer.set("location", request.url.path)


def credentials(answer: Answer) -> None:
    """Any origin, with cookies."""
    answer.set("access-control-allow-origin", "*")
    answer.set("access-control-allow-credentials", "true")


def origin_that_ends_alike(request: httpx.Request, answer: Answer) -> None:
    """A server that lets each origin read whose end is its own host."""
    origin = request.headers.get("origin", "")
    if origin.endswith(request.headers["host"]):
        answer.set("access-control-allow-origin", origin)


def host_in_a_page(request: httpx.Request, answer: Answer) -> None:
    """A text that names the host."""
    if answer.status == httpx.codes.OK:
        body(f"Nothing here at {request.headers['host']}")(answer)


def markup_of_the_request(request: httpx.Request, answer: Answer) -> None:
    """A page that repeats a header as it is."""
    answer.set("content-type", "text/html")
    answer.body += request.headers.get("referer", "").encode()


def method_in_the_query(request: httpx.Request, answer: Answer) -> None:
    """A server that deletes the file."""
    if request.url.params.get("_method") == "DELETE":
        answer.status = 204


def slip(request: httpx.Request, answer: Answer) -> None:
    """An alias without its slash: what follows the folder's name is added to the folder's path."""
    if request.url.path.startswith("/assets../assets/"):
        text = Site().files.get(request.url.path.replace("/assets../", "/"), "")
        answer.status, answer.body = 200, text.encode()


def delete_of_a_file(request: httpx.Request, answer: Answer) -> None:
    """A server that would delete the file, and refuses only the depth."""
    if request.method == "DELETE" and request.url.path == "/favicon.svg":
        answer.status = 400


def options_of_a_file(request: httpx.Request, answer: Answer) -> None:
    """OPTIONS, which all other places refuse."""
    if request.method == "OPTIONS" and request.url.path == "/favicon.svg":
        answer.status = 204


def host_in_405(request: httpx.Request, answer: Answer) -> None:
    """A page of an error with a link to the host."""
    if answer.status == httpx.codes.METHOD_NOT_ALLOWED:
        answer.body = f"http://{request.headers['host']}/ only answers GET".encode()


def path_in_405(request: httpx.Request, answer: Answer) -> None:
    """A page of an error that repeats the path."""
    if answer.status == httpx.codes.METHOD_NOT_ALLOWED:
        answer.set("content-type", "text/html")
        answer.body = request.url.path.encode()


def purge_of_a_folder(request: httpx.Request, answer: Answer) -> None:
    """A cache that obeys everybody."""
    if request.method == "PURGE" and request.url.path.startswith("/assets/"):
        answer.status = 200


FAULTS: list[tuple[str, Fault, str]] = [
    ("http.hidden-files", on_path("/.env", status(200)), "/.env: 200, 9 bytes of text/plain"),
    ("http.hidden-files", on_path("index.html~", status(200)), "/index.html~: 200"),
    ("http.hidden-files", on_path("/#favicon.svg#", status(200)), "/%23favicon.svg%23: 200"),
    ("http.traversal", leak, "/etc/passwd: 200, with 'root:x:0:0:'"),
    ("http.methods", on_method("DELETE", status(204)), f"DELETE /{MISSING_NAME}.txt: 204"),
    ("http.methods", options_of_a_file, "OPTIONS: 204, though no server may obey it, on 1 of … /favicon.svg (OPTIONS)"),
    ("http.methods", on_method("PUT", header("allow")), "PUT: 405 without Allow on … / (PUT)"),
    ("http.methods", on_method("TRACE", body("X-Canary: canary-5f2c.example")),
     f"TRACE: 405 echoes … TRACE /{MISSING_NAME}.txt"),
    ("http.methods", on_method("BREW", status(500)), f"BREW /{MISSING_NAME}.txt: 500"),
    ("http.methods", purge_of_a_folder, f"PURGE /assets/{MISSING_NAME}.txt: 200"),
    ("http.host", host_in_405, "POST /, Host: canary-5f2c.example: 405, with the foreign host in the answer"),
    ("http.malformed", path_in_405, "markup in a path that is posted: became an element of the page"),
    ("http.malformed", decoded_path_in_header, "line ends in … became a header of the answer"),
    ("http.cors", on_header("origin", header("access-control-allow-origin", "https://canary-5f2c.example")),
     "Access-Control-Allow-Origin: https://canary-5f2c.example on "),
    ("http.cors", origin_that_ends_alike, ".canary-5f2c.example.127.0.0.1:8080 on "),
    ("http.host", host_in_a_page, "with the foreign host in the answer"),
    ("http.malformed", markup_of_the_request, "markup in headers: became an element of the page"),
    ("http.variants", method_in_the_query, "204, but 200 to a simple GET, on"),
    ("http.cors", on_path("favicon.svg", credentials), "Access-Control-Allow-Credentials for * on … /favicon.svg"),
    ("http.cookies", on_path("favicon.svg", header("set-cookie", "id=1")), "set-cookie: id=1 on … /favicon.svg"),
    ("http.cookies", on_path("/assets/no-such-file-5f2c.png", header("refresh", "0;url=/")),
     "refresh: 0;url=/ on 1 of"),
    ("http.cookies", on_path("-5f2c", body("<meta http-equiv=refresh content='0; url=https://other.example/'>")),
     "<meta http-equiv=refresh> to another origin on … /no-such-file-5f2c"),
    ("http.hidden-files", on_path("/assets/.env", status(200)), "/assets/.env: 200"),
    ("http.hidden-files", on_path("/assets/logo-C6fJt9Xa.png.orig", status(200)),
     "/assets/logo-C6fJt9Xa.png.orig: 200"),
    ("http.hidden-files", on_path("/dist.zip", status(200)), "/dist.zip: 200"),
    ("http.hidden-files", on_path("favicon.svg", body("Active connections: 3 \nserver accepts handled requests")),
     "/favicon.svg: 200, 54 bytes of image/svg+xml"),
    ("http.traversal", slip, "GET /assets../assets/"),
    ("http.methods", delete_of_a_file, "DELETE: 400, though no server may obey it, on 1 of … /favicon.svg (DELETE)"),
    ("http.host", redirect_to_host, "301 to http://canary-5f2c.example/assets/"),
]  # fmt: skip


@pytest.mark.parametrize(("check_id", "fault", "evidence"), FAULTS, ids=[f"{row[0]} {row[2]}" for row in FAULTS])
def test_fault_is_reported(check_id: str, fault: Fault, evidence: str) -> None:
    """The check fails, and the evidence says where the fault is."""
    assert_reported(check_id, fault, evidence)


@pytest.mark.parametrize(
    ("sent", "answer", "evidence"),
    [
        (b"Transfer-Encoding: chunked", parse(b"HTTP/1.1 200 OK\r\n\r\nok\nHTTP/1.1 404 No\r\n\r\n"),
         "Content-Length and chunked: 2 answers"),
        (b"X-A: a\rX-B", parse(b"HTTP/1.1 500 No\r\n\r\n"), "a bare CR: 500"),
        (b"%zz", parse(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), "an invalid % escape: 502"),
    ],
)  # fmt: skip
def test_malformed_request_with_a_bad_answer_is_reported(sent: bytes, answer: RawResponse, evidence: str) -> None:
    """Two answers, no end, and an error of the server are faults."""
    judged = subject(Site())
    healthy = judged.site.exchange
    judged.site.exchange = lambda origin, request, seconds: (
        answer if sent in request else healthy(origin, request, seconds)
    )
    (verdict,) = catalog.run_checks(judged, catalog.select(only=["http.malformed"]))
    assert verdict.outcome == "fail"
    assert any(line.startswith(evidence) for line in verdict.evidence), verdict.evidence


def test_methods_that_nginx_refuses_itself_are_no_fault() -> None:
    """nginx in front answers TRACE and CONNECT with 405 before a rule counts. No page can send them."""

    def refuse(request: httpx.Request, answer: Answer) -> None:
        if request.method == "TRACE":
            answer.status, answer.headers = 405, {"server": ["nginx"], "content-type": ["text/html"]}

    judged = subject(Site(refuse))
    healthy = judged.site.exchange
    refused = parse(b"HTTP/1.1 405 Not Allowed\r\nServer: nginx\r\n\r\n")
    judged.site.exchange = lambda origin, request, seconds: (
        refused if request.startswith((b"TRACE", b"CONNECT")) else healthy(origin, request, seconds)
    )
    names = ["http.methods", "http.security-headers", "http.cross-origin-headers", "http.csp"]
    verdicts = catalog.run_checks(judged, catalog.select(only=names))
    assert {verdict.check.id: verdict.evidence for verdict in verdicts} == dict.fromkeys(names, ())
