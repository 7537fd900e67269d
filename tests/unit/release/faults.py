"""Faults of a new release that appear only after it has passed the gate."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import httpx

from docktasks.commands import Result
from docktasks.errors import StartError
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import NAME, NEXT
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.sites import Site
from tests.unit.fakes.web import Web

CANDIDATE_PORT = 49153
"""The first free port of FakeEngine, on which the candidate is published."""


def refuse_start(_engine: FakeEngine, run: Runner, _web: Web) -> type[BaseException]:
    """`docker container run` fails."""
    refusal = Result(125, "OCI runtime create failed")
    run.answers |= {f"docker container run --detach --name {name} ": refusal for name in (NEXT, NAME)}
    return StartError


def crash(engine: FakeEngine, _run: Runner, _web: Web) -> type[BaseException]:
    """The release exits right after its start."""
    engine.start_states |= {NEXT: {"state": "exited", "exit_code": 1}, NAME: {"state": "exited", "exit_code": 1}}
    return StartError


def turn_unhealthy(engine: FakeEngine, _run: Runner, _web: Web) -> type[BaseException]:
    """The release is unhealthy from its start."""
    engine.start_states |= {NEXT: {"health": "unhealthy"}, NAME: {"health": "unhealthy"}}
    return StartError


def press_ctrl_c(engine: FakeEngine, _run: Runner, web: Web) -> type[BaseException]:
    """The user presses Ctrl-C while the task waits for the release."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    return _at_first_request(engine, web, interrupt)


def terminate(engine: FakeEngine, _run: Runner, web: Web) -> type[BaseException]:
    """The task gets a SIGTERM while it waits for the release."""
    return _at_first_request(engine, web, lambda: os.kill(os.getpid(), signal.SIGTERM))


def _at_first_request(engine: FakeEngine, web: Web, interrupt: Callable[[], None]) -> type[BaseException]:
    """Interrupt the task once, at its first request that does not go to the candidate."""
    site = engine.route(Site())

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.port != CANDIDATE_PORT:
            web.answer = site
            interrupt()
        return site(request)

    web.answer = answer
    return KeyboardInterrupt


Fault = Callable[[FakeEngine, Runner, Web], type[BaseException]]
"""Prepares a fault; returns the exception that it ends in."""

BROKEN_RELEASES: list[Fault] = [refuse_start, crash, turn_unhealthy]
INTERRUPTIONS: list[Fault] = [press_ctrl_c, terminate]
