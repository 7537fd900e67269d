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


def counting(looks: list[Probe]) -> Iterator[Probe]:
    """One look after the other, the last one for ever."""
    yield from looks
    while True:
        yield looks[-1]


def test_waiting_ends_with_the_first_look_that_is_ready() -> None:
    """Nobody waits longer than needed."""
    looks = counting([Probe(ready=False), Probe(ready=False), Probe(ready=True, status="there")])
    assert waiting.wait_until(looks.__next__, limit=60, interval=0) == Probe(ready=True, status="there")


def test_waiting_ends_at_the_limit_with_the_last_look() -> None:
    """Its status says what was missing."""
    look = waiting.wait_until(lambda: Probe(ready=False, status="not yet"), limit=0.01, interval=0)
    assert look == Probe(ready=False, status="not yet")


def test_waiting_ends_with_a_look_that_failed() -> None:
    """A failure is final, and it is not taken for ready."""
    looks = counting([Probe(ready=False), Probe(ready=False, failed="it exited"), Probe(ready=True)])
    assert waiting.wait_until(looks.__next__, limit=60, interval=0) == Probe(ready=False, failed="it exited")


def test_there_is_always_one_look() -> None:
    """Even a limit of nothing looks once."""
    assert waiting.wait_until(lambda: Probe(ready=True), limit=0).ready


@pytest.mark.parametrize(("status", "ready"), [(200, True), (204, False), (404, False), (503, False)])
def test_only_200_is_an_answer(web: Web, status: int, *, ready: bool) -> None:
    """Anything else is told with its number."""
    web.serve(status)
    url = "http://127.0.0.1:8080/"
    assert waiting.http_ready(url) == Probe(ready, f"{url} answers {status}", url=url, final_url=url)


def test_redirects_are_followed(web: Web) -> None:
    """A dev server with a base path sends there."""

    def answer(request: httpx.Request) -> httpx.Response:
        at_home = request.url.path == "/app/"
        return httpx.Response(200) if at_home else httpx.Response(302, headers={"location": "/app/"})

    web.answer = answer
    look = waiting.http_ready("http://127.0.0.1:3000/")
    assert (look.ready, look.final_url) == (True, "http://127.0.0.1:3000/app/")


def test_silence_is_told_with_its_reason() -> None:
    """Where nothing listens the system's own words say so."""
    url = "http://127.0.0.1:1/"
    status = f"{url} does not answer ([Errno 111] Connection refused)"
    assert waiting.http_ready(url) == Probe(ready=False, status=status, url=url)


def test_an_error_without_words_is_told_by_its_kind(web: Web) -> None:
    """Some errors of a connection have no text."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    web.answer = answer
    assert waiting.http_ready("http://127.0.0.1:1/").status == "http://127.0.0.1:1/ does not answer (ReadTimeout)"


@pytest.mark.parametrize(("answer", "listens"), [(0, True), (errno.ECONNREFUSED, False), (errno.EAGAIN, False)])
def test_a_port_accepts_when_something_listens(monkeypatch: pytest.MonkeyPatch, answer: int, *, listens: bool) -> None:
    """A refusal and a timeout are both nobody."""
    asked: list[tuple[str, int]] = []

    def connect(_socket: socket.socket, address: tuple[str, int]) -> int:
        asked.append(address)
        return answer

    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    assert waiting.is_listening("127.0.0.1", 8081) is listens
    assert asked == [("127.0.0.1", 8081)]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_polite_signal_is_an_interruption(sent: signal.Signals) -> None:
    """What follows a Ctrl-C follows a kill and a closed terminal, too, and afterwards all is as before."""
    before = signal.getsignal(sent)
    with pytest.raises(KeyboardInterrupt), waiting.terminate_as_interrupt():
        os.kill(os.getpid(), sent)
    assert signal.getsignal(sent) is before
