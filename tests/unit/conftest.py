"""Fixtures of the unit tests: an environment of their own, no network, and a small checkout."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.request import AbstractHTTPHandler

import httpx
import pytest

from docktasks.background import in_background
from docktasks.containers import ports
from docktasks.errors import DockError
from docktasks.release import deploy, gate
from docktasks.settings import Settings
from docktasks.verify.probes import http_client, raw_socket
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import configured, make_app
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import IMAGES
from tests.unit.fakes.programs import Programs
from tests.unit.fakes.sites import Line, Site, raw
from tests.unit.fakes.web import Web

OTHER_VARIABLES = {
    "NODE_EXTRA_CA_CERTS",
    "GITHUB_ACTIONS",
    "FORCE_COLOR",
    "NO_COLOR",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
}


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without the settings of this machine and this user."""
    for name in os.environ:
        if name.startswith(("INVOKE_", "DOCKER_", "BUILDKIT_", "BUILDX_", "GIT_")) or name in OTHER_VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """No browser, also on a machine that has one."""
    monkeypatch.setattr(Subject, "chromium", "")


@pytest.fixture(autouse=True)
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    """The network: no request leaves this process, and `web.answer` answers each one."""
    web = Web()
    transport = httpx.MockTransport(web)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda _self, request: transport.handle_request(request))
    monkeypatch.setattr(AbstractHTTPHandler, "do_open", web.open)
    monkeypatch.setattr(http_client, "Connection", lambda origin: Line(web, origin))
    monkeypatch.setattr(raw_socket, "exchange", lambda *args: raw(web, *args))
    return web


@pytest.fixture(autouse=True)
def free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every port of this machine counts as free, even where hello-dock serves."""
    monkeypatch.setattr(ports, "is_listening", lambda _host, _port: False)


@pytest.fixture(autouse=True)
def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a release does meanwhile is done before it goes on, so that its commands have one order."""

    def at_once(work: Callable[[], object]) -> Callable[..., object]:
        result = in_background(work)
        with suppress(DockError, KeyboardInterrupt):
            result()
        return result

    for module in (deploy, gate):
        monkeypatch.setattr(module, "in_background", at_once)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A PATH that has only the programs that the test adds."""
    programs = Programs(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(programs.folder))
    return programs


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with the app, the Dockerfiles and docktasks/images/nginx/, outside of any git repository."""
    root = tmp_path / "checkout"
    make_app(root / "hello-dock")
    for name in ("Dockerfile", "Dockerfile.dev"):
        (root / name).write_text(f"# {name}\n")
    (root / "docktasks/images/nginx").mkdir(parents=True)
    return root


@pytest.fixture
def settings(root: Path) -> Settings:
    """The defaults of invoke.yaml."""
    return configured(root)


@pytest.fixture
def new_engine(web: Web, monkeypatch: pytest.MonkeyPatch) -> Callable[[], FakeEngine]:
    """A function that makes an engine with two base images and a build. Its containers serve a Vite app."""

    def make() -> FakeEngine:
        engine = FakeEngine(images=IMAGES)
        web.answer = engine.route(Site())
        monkeypatch.setattr(
            socket.socket,
            "connect_ex",
            lambda _socket, address: 0 if engine.container_publishing(address[1]) else errno.ECONNREFUSED,
        )
        return engine

    return make


@pytest.fixture
def engine(new_engine: Callable[[], FakeEngine]) -> FakeEngine:
    """An engine with two base images and a build."""
    return new_engine()
