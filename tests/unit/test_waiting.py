from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Iterator

import httpx
import pytest

from docktasks import waiting
from docktasks.waiting import Probe
from tests.unit.fakes.web import Web


def looks_of(looks: list[Probe]) -> Iterator[Probe]:
    """Yield these looks, then the last one without end."""
    yield from looks
    while True:
        yield looks[-1]


def test_wait_until_returns_the_first_look_that_is_ready() -> None:
    """It does not wait longer than needed."""
    looks = looks_of([Probe(ready=False), Probe(ready=False), Probe(ready=True, status="there")])
    assert waiting.wait_until(looks.__next__, limit=60, interval=0) == Probe(ready=True, status="there")


def test_wait_until_returns_the_last_look_at_the_limit() -> None:
    """The status of that look says what was missing."""
    look = waiting.wait_until(lambda: Probe(ready=False, status="not yet"), limit=0.01, interval=0)
    assert look == Probe(ready=False, status="not yet")


def test_wait_until_returns_a_look_that_failed() -> None:
    """A failure is final, and is not taken for ready."""
    looks = looks_of([Probe(ready=False), Probe(ready=False, failed="it exited"), Probe(ready=True)])
    assert waiting.wait_until(looks.__next__, limit=60, interval=0) == Probe(ready=False, failed="it exited")


def test_wait_until_looks_at_least_once() -> None:
    """A limit of 0 seconds allows one look."""
    assert waiting.wait_until(lambda: Probe(ready=True), limit=0).ready


@pytest.mark.parametrize(("status", "ready"), [(200, True), (204, False), (404, False), (503, False)])
def test_http_ready_only_with_status_200(web: Web, status: int, *, ready: bool) -> None:
    """The look has the status, as a number and in words."""
    web.serve(status)
    url = "http://127.0.0.1:8080/"
    look = Probe(ready, f"{url} answers {status}", url=url, final_url=url, status_code=status)
    assert waiting.http_ready(url) == look


@pytest.mark.parametrize("status", [302, 307, 308])
def test_http_ready_follows_redirects(web: Web, status: int) -> None:
    """A dev server with a base path redirects to it."""

    def answer(request: httpx.Request) -> httpx.Response:
        at_home = request.url.path == "/app/"
        return httpx.Response(200) if at_home else httpx.Response(status, headers={"location": "/app/"})

    web.answer = answer
    look = waiting.http_ready("http://127.0.0.1:3000/")
    assert (look.ready, look.final_url) == (True, "http://127.0.0.1:3000/app/")


def test_http_ready_says_why_nothing_answers() -> None:
    """The reason has the system's own words."""
    url = "http://127.0.0.1:1/"
    status = f"{url} does not answer (Connection refused)"
    assert waiting.http_ready(url) == Probe(ready=False, status=status, url=url)


def test_http_ready_names_an_error_without_text(web: Web) -> None:
    """Some errors of a connection have no text."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    web.answer = answer
    assert waiting.http_ready("http://127.0.0.1:1/").status == "http://127.0.0.1:1/ does not answer (OSError)"


@pytest.mark.parametrize(("answer", "listens"), [(0, True), (errno.ECONNREFUSED, False), (errno.EAGAIN, False)])
def test_is_listening_only_when_the_connection_succeeds(
    monkeypatch: pytest.MonkeyPatch, answer: int, *, listens: bool
) -> None:
    """A refused connection and a timeout both mean that nothing listens."""
    addresses: list[tuple[str, int]] = []

    def connect(_socket: socket.socket, address: tuple[str, int]) -> int:
        addresses.append(address)
        return answer

    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    assert waiting.is_listening("127.0.0.1", 8081) is listens
    assert addresses == [("127.0.0.1", 8081)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_terminate_as_interrupt_raises_for_each_signal(number: signal.Signals) -> None:
    """A kill and a closed terminal end a task as Ctrl-C does. Afterwards the old handlers are back."""
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), waiting.terminate_as_interrupt():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_that_is_ignored_stays_ignored(number: signal.Signals) -> None:
    """nohup ignores SIGHUP, and a shell ignores SIGINT for a task in the background."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with waiting.terminate_as_interrupt():
            os.kill(os.getpid(), number)
    finally:
        signal.signal(number, before)


def test_second_kill_does_not_end_what_the_first_one_began() -> None:
    """A CI system sends SIGINT and then SIGTERM, while the task removes its containers."""

    def work() -> None:
        try:
            with waiting.terminate_as_interrupt():
                os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGHUP)

    with pytest.raises(KeyboardInterrupt) as caught, waiting.terminate_as_interrupt():
        work()
    assert caught.value.args == (signal.SIGINT,)


def test_failure_and_kill_undo_what_was_begun() -> None:
    """The error stays the same. After a success nothing is undone."""
    undone: list[str] = []
    with waiting.on_failure(lambda: undone.append("success")):
        pass
    with pytest.raises(ValueError, match="failed"), waiting.on_failure(lambda: undone.append("error")):
        raise ValueError("failed")
    with pytest.raises(KeyboardInterrupt), waiting.on_failure(lambda: undone.append("kill")):
        os.kill(os.getpid(), signal.SIGTERM)
    assert undone == ["error", "kill"]


def test_http_ready_asks_over_https_where_http_is_not_answered(web: Web) -> None:
    """A server that speaks https only closes a connection of http. The look's address is the one that answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "http":
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        return httpx.Response(200)

    web.answer = answer
    assert not waiting.http_ready("http://127.0.0.1:3000/").ready
    look = waiting.http_ready("http://127.0.0.1:3000/", may_be_https=True)
    assert (look.ready, look.url) == (True, "https://127.0.0.1:3000/")
    web.answer = Web.silence
    look = waiting.http_ready("http://127.0.0.1:3000/", may_be_https=True)
    assert (look.ready, look.url) == (False, "http://127.0.0.1:3000/")
