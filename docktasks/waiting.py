"""Wait until a container or a server is ready. The only module that sleeps."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from types import FrameType
from typing import Any

from docktasks.errors import reason_of


@dataclass(frozen=True)
class Probe:
    """The result of one look at the thing that wait_until() waits for.

    `ready`: the wait is over. `status`: its state, for the error when the time is up. `failed`: why it will never be
    ready; empty while it may. `url`: the address of an HTTP request. `final_url`: its address after redirects, which
    answered with `status_code` and, unless that is an error, `text`.
    """

    ready: bool
    status: str = ""
    failed: str = ""
    url: str = ""
    final_url: str = ""
    status_code: int = 0
    text: str = ""


def wait_until(look: Callable[[], Probe], limit: float, interval: float = 0.05) -> Probe:
    """Look every `interval` seconds, and return the last look: one that is ready, that failed, or at the `limit`.

    With a limit of 0 s there is one look. The caller makes the error, because it knows whose logs to show.
    """
    deadline = time.monotonic() + limit
    while True:
        probe = look()
        if probe.ready or probe.failed or time.monotonic() >= deadline:
            return probe
        time.sleep(interval)


def is_listening(host: str, port: int) -> bool:
    """Return True when a TCP connection to the port is accepted within a second."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((host, port)) == 0


def http_ready(url: str, timeout: float = 2.0, *, needs_page: bool = True, may_be_https: bool = False) -> Probe:
    """Return a look: ready when a GET of `url`, without proxies, answers 200 in `timeout` seconds, after redirects.

    Without `needs_page` a 404 will do, because a site may have no page at its root. With `may_be_https` a server that
    answers over https only is asked over https; the look's url then begins with that.
    """
    from http.client import HTTPException

    try:
        status_code, final_url, text = get(url, timeout)
    except (OSError, HTTPException) as error:
        reason = reason_of(getattr(error, "reason", error))  # that of urllib's own error
        probe = Probe(ready=False, status=f"{url} does not answer ({reason})", url=url)
        if not may_be_https:
            return probe
        https_probe = http_ready(url.replace("http:", "https:", 1), timeout, needs_page=needs_page)
        return https_probe if https_probe.final_url else probe
    good = {HTTPStatus.OK} if needs_page else {HTTPStatus.OK, HTTPStatus.NOT_FOUND}
    return Probe(
        status_code in good,
        f"{url} answers {status_code}",
        url=url,
        final_url=final_url,
        status_code=status_code,
        text=text,
    )


def get(url: str, timeout: float) -> tuple[int, str, str]:
    """GET an address without proxies. Return the status, the address after redirects, and the text if it is no error.

    Raises OSError or HTTPException. By the standard library, which the Docker SDK has loaded: httpx takes a tenth of a
    task that has nothing to do.
    """
    import ssl
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

    class Redirects(HTTPRedirectHandler):
        """Follow a 308, too, which Python 3.10 does not."""

        http_error_308 = HTTPRedirectHandler.http_error_302

        def redirect_request(self, req: Request, fp: Any, code: int, *rest: Any) -> Request | None:
            return super().redirect_request(req, fp, 307 if code == HTTPStatus.PERMANENT_REDIRECT else code, *rest)

    # The address is http, or this machine's own.
    handlers = Redirects, ProxyHandler({}), HTTPSHandler(context=ssl._create_unverified_context())  # noqa: S323, SLF001
    request = Request(url, headers={"Accept": "*/*"})  # noqa: S310 - our own address
    try:
        with build_opener(*handlers).open(request, timeout=timeout) as response:
            return response.status, response.url, response.read().decode(errors="replace")
    except HTTPError as error:
        with error:
            return error.code, error.url, ""


SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Ctrl-C, `kill`, and a closed terminal, which Windows does not have."""


@contextmanager
def terminate_as_interrupt(*, survive_hangup: bool = False) -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt, as Ctrl-C is. Its argument is the signal's number.

    An ignored signal stays ignored, as under nohup. With `survive_hangup`, this task and its commands ignore SIGHUP.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, signal.SIG_IGN if survive_hangup and number.name == "SIGHUP" else _interrupt)
    try:
        yield
    finally:
        if _interrupt not in before.values():  # else an outer block is in force
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def on_failure(undo: Callable[[], object]) -> Iterator[None]:
    """Call `undo` when the block fails or is interrupted, as terminate_as_interrupt() has it, and raise the error."""
    try:
        with terminate_as_interrupt():
            yield
    except BaseException:  # KeyboardInterrupt is no Exception
        undo()
        raise


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """End the task. What it does then, such as removing containers, only another Ctrl-C ends."""
    for other in SIGNALS:
        signal.signal(other, signal.default_int_handler if other == signal.SIGINT else signal.SIG_IGN)
    raise KeyboardInterrupt(number)
