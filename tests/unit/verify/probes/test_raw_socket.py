from __future__ import annotations

from docktasks.verify.probes.raw_socket import parse


def test_bytes_that_are_no_response_are_all_body() -> None:
    """A server of another protocol may answer, too."""
    answer = parse(b"SSH-2.0-server\r\n\r\n")
    assert (answer.status, answer.headers, answer.head, answer.body) == (0, (), "", b"SSH-2.0-server\r\n\r\n")


def test_response_keeps_its_head_as_it_came() -> None:
    """A line end that a server took from a request is in the head, and every header has a value."""
    answer = parse(b"HTTP/1.1 302 Found\r\nLocation: /a\nX-Canary: 1\r\nVary : b\r\n\r\nbody", is_closed=False)
    assert (answer.status, answer.get("vary"), answer.body, answer.is_closed) == (302, "b", b"body", False)
    assert "\nX-Canary: 1\r\n" in answer.head
    assert answer.count == 1


def test_second_response_is_counted() -> None:
    """The request hid another one."""
    assert parse(b"HTTP/1.1 200 OK\r\n\r\nok\nHTTP/1.1 404 No\r\n\r\n").count == 2
