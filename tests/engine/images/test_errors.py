"""The production image's answers to requests that it cannot fulfil."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from docktasks.engine.client import DockerEngine
from docktasks.waiting import Probe, wait_until
from tests.support.image_sandbox import ImageSandbox
from tests.support.project import ProjectUnderTest

A_BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
A_PROGRAM = {"Accept": "*/*"}
ERRORS = {
    404: ("GET", "/no-such-file.js", {}),
    405: ("DELETE", "/", {}),
    403: ("GET", "/fails-403", {}),
    412: ("GET", "/favicon.svg", {"If-Match": '"another"'}),
    413: ("GET", "/", {"Content-Length": "5000"}),
    500: ("GET", "/fails-500", {}),
    503: ("GET", "/healthz", {}),
}
FAILING = "location = /fails-403 { deny all; } location = /fails-500 { return 500; }"
BROKEN = (
    f"rm site/index.html && sed -i -e '/^    location = .healthz/i {FAILING}' -e 's|$unknown_page|/never|g' "
    "/etc/nginx/serving/site.conf"
)
"""Makes a site without a page, with an address that nobody may read and one at which the server fails."""


@pytest.fixture(scope="module")
def broken_url(engine: DockerEngine, built_project: ProjectUnderTest) -> Iterator[str]:
    """The address of such a site. It is never healthy."""
    sandbox = ImageSandbox(engine, built_project.image)
    try:
        _, url = sandbox.run(sandbox.image(BROKEN))
        probe = wait_until(lambda: Probe(_status(f"{url}/healthz") == httpx.codes.SERVICE_UNAVAILABLE), 60)
        assert probe.ready, probe.status
        yield url
    finally:
        sandbox.end()


def _status(url: str) -> int:
    """The status of an answer; 0 while there is none."""
    try:
        return httpx.get(url, trust_env=False).status_code
    except httpx.TransportError:
        return 0


def request(url: str, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    """Send a request whose headers may be wrong."""
    content = b"a" * int(headers.get("Content-Length", 0))
    return httpx.request(method, url + path, headers=headers, content=content, trust_env=False)


@pytest.mark.parametrize("status", ERRORS)
def test_error_is_a_page_for_a_person_and_a_line_of_text_for_a_program(broken_url: str, status: int) -> None:
    """Both name the status. The page is dark where the browser is, and loads nothing. No browser stores an error."""
    method, path, headers = ERRORS[status]
    page = request(broken_url, method, path, headers | A_BROWSER)
    text = request(broken_url, method, path, headers | A_PROGRAM)
    assert (page.status_code, text.status_code) == (status, status)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<h1>{status} " in page.text
    assert '<meta name="color-scheme" content="light dark">' in page.text
    assert not [word for word in ("nginx", "src=", "href=", "style", "script") if word in page.text]
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.text.startswith(f"{status} ")
    assert len(text.text.splitlines()) == 1
    for response in (page, text):
        assert response.headers["cache-control"] == "no-store"
        for name in ("content-security-policy", "x-content-type-options", "cache-control", "content-type"):
            assert len(response.headers.get_list(name)) == 1, name


@pytest.mark.parametrize("headers", [A_BROWSER, A_PROGRAM], ids=["page", "text"])
def test_head_gets_the_headers_of_an_error_and_no_body(broken_url: str, headers: dict[str, str]) -> None:
    """Content-Length is the length of what GET gets."""
    got, head = (request(broken_url, method, "/no-such-file.js", headers) for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (404, b"")
    assert int(head.headers["content-length"]) == len(got.content)
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    ("line", "status"),
    [("GET /%zz HTTP/1.1", 400), ("nonsense", 400), (f"GET /{'a' * 40_000} HTTP/1.1", 414)],
    ids=["escape", "nonsense", "long"],
)
def test_unreadable_request_gets_a_page(broken_url: str, line: str, status: int) -> None:
    """nginx has not read what the client accepts, and a person who pasted an address may see the answer."""
    address = urlsplit(broken_url)
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=30) as connection:
        connection.sendall(f"{line}\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    assert head.split()[1] == str(status)
    assert "content-type: text/html" in head.lower()
    assert f"<h1>{status} " in body


def test_a_header_that_is_too_large_is_a_400(broken_url: str) -> None:
    """494 is a number of nginx's own, which no client knows."""
    response = request(broken_url, "GET", "/", {"X-A": "a" * 40_000})
    assert response.status_code == 400
    assert response.text.startswith("400 ")


def test_range_behind_the_end_has_no_body(broken_url: str) -> None:
    """The answer may say Content-Encoding: br already, and a text would not be brotli. Each header is there once."""
    response = request(
        broken_url, "GET", "/robots.txt", {"Accept": "text/html", "Range": "bytes=99999-", "Accept-Encoding": "br"}
    )
    assert (response.status_code, response.content) == (416, b"")
    names = [name for name, _ in response.headers.multi_items()]
    assert len(names) == len(set(names))


def test_path_of_the_errors_cannot_be_requested(broken_url: str) -> None:
    """It would be a 200 that says "200 Error"."""
    for path in ("/.error.html", "/.error.txt"):
        assert request(broken_url, "GET", path, A_PROGRAM).status_code == 404
