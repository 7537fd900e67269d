from __future__ import annotations

import os
from collections import namedtuple

import psutil
import pytest

from docktasks.containers import ports
from docktasks.containers.ports import Bind
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Container
from docktasks.errors import ConflictError
from docktasks.roles import DEV, PROD
from tests.unit.fakes.engine import FakeEngine

Listener = namedtuple("Listener", ["status", "laddr", "pid"])  # noqa: PYI024 - as psutil's own


@pytest.mark.parametrize("bind", [Bind(8080), Bind(0), Bind(65535, public=True), Bind(0, public=True)])
def test_a_label_says_where_it_was_meant_to_be_published(bind: Bind) -> None:
    """Port 0 stays 0, though Docker has chosen one since: it was meant to be any."""
    assert Bind.parse(str(bind)) == bind


def test_as_text_it_is_an_address() -> None:
    """As a user would write it."""
    assert [str(Bind(8080)), str(Bind(8080, public=True))] == ["127.0.0.1:8080", "0.0.0.0:8080"]


def test_a_port_that_a_container_holds_is_told_with_its_name() -> None:
    """The message names the container and its image, and a port to take instead."""
    engine = FakeEngine()
    engine.port_owners = {8080: Container("0", "web", image="nginx:1")}
    error = ports.port_conflict(engine, Bind(8080), PROD)
    assert isinstance(error, ConflictError)
    assert str(error) == (
        "Port 8080 on 127.0.0.1 is in use by container web (nginx:1).\n"
        "run-prod publishes the app there.\n"
        "Stop it, or choose another: INVOKE_PROD_HOST_PORT=8081 invoke run-prod"
    )


def test_a_port_of_the_dev_container_is_told_with_its_own_setting() -> None:
    """The way out names the task that was run."""
    error = ports.port_conflict(FakeEngine(), Bind(3000), DEV)
    assert (error.why, error.how) == (
        "dev publishes the app there.",
        "Stop it, or choose another: INVOKE_DEV_HOST_PORT=3001 invoke dev",
    )


def test_the_last_port_has_no_next_one() -> None:
    """The port that is proposed exists."""
    assert "INVOKE_PROD_HOST_PORT=65534 invoke run-prod" in ports.port_conflict(FakeEngine(), Bind(65535), PROD).how


UNNAMED = "a process that could not be named"


@pytest.mark.parametrize(
    ("listeners", "who"),
    [
        ([Listener("LISTEN", ("127.0.0.1", 8080), os.getpid())], f"process {os.getpid()} (node)"),
        ([Listener("LISTEN", ("127.0.0.1", 8080), None)], UNNAMED),
        ([Listener("ESTABLISHED", ("127.0.0.1", 8080), os.getpid())], UNNAMED),
        ([Listener("LISTEN", ("127.0.0.1", 80), os.getpid())], UNNAMED),
        ([Listener("LISTEN", (), os.getpid())], UNNAMED),
        ([], UNNAMED),
    ],
)
def test_a_port_that_a_process_holds_is_told(
    monkeypatch: pytest.MonkeyPatch, listeners: list[Listener], who: str
) -> None:
    """The process is named where the system tells it."""
    monkeypatch.setattr(psutil, "net_connections", lambda _kind: listeners)
    monkeypatch.setattr(psutil.Process, "name", lambda _process: "node")
    assert ports.port_owner(FakeEngine(), 8080) == ports.port_owner(DryRunEngine("hello-dock"), 8080) == who


def test_a_process_that_may_not_be_looked_at_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS, for one, tells connections to root alone."""

    def refuse(_kind: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    assert ports.port_owner(FakeEngine(), 8080) == "a process that only root may name"
