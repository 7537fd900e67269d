"""Waiting, and what one HTTP request tells. The only place that sleeps."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(frozen=True)
class Probe:
    """One look: whether what was waited for is there, and the status in words for when it is not.

    `landed` is where a request ended up, over redirects.
    """

    ready: bool
    status: str = ""
    landed: str = ""


def wait_until(probe: Callable[[], Probe], limit: float, interval: float = 0.05) -> Probe:
    """Probe every `interval` seconds until ready or `limit` seconds have passed; the last look either way.

    The caller turns a look that is not ready into an error, since it knows whose logs to show.
    """
    deadline = time.monotonic() + limit
    while True:
        look = probe()
        if look.ready or time.monotonic() >= deadline:
            return look
        time.sleep(interval)


def is_listening(host: str, port: int) -> bool:
    """True when something listens there."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex((host, port)) == 0


def http_ready(url: str, timeout: float = 2.0) -> Probe:
    """Ready when a GET of `url` answers 200 within `timeout` seconds. Proxies in the environment are not used."""
    import httpx

    try:
        # The address is http; without verify=False each look would load the certificate authorities, 50 ms.
        response = httpx.get(url, timeout=timeout, trust_env=False, follow_redirects=True, verify=False)  # noqa: S501
    except httpx.HTTPError as error:
        return Probe(ready=False, status=f"{url} does not answer ({str(error) or type(error).__name__})")
    return Probe(response.status_code == httpx.codes.OK, f"{url} answers {response.status_code}", str(response.url))


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """A closed terminal (SIGHUP) and a polite kill (SIGTERM) end the foreground as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    caught = [signal.SIGTERM] + ([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])
    before = {number: signal.signal(number, interrupt) for number in caught}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
