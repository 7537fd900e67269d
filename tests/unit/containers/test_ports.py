"""Published addresses, and the owner of a port that is in use."""

from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace

import psutil
import pytest

from docktasks.app.project import Project
from docktasks.containers import ports
from docktasks.containers.ports import Bind
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Container, Published
from docktasks.errors import ConflictError
from docktasks.roles import DEV, PROD
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner

Listener = namedtuple("Listener", ["status", "laddr", "pid"])  # noqa: PYI024 - as psutil's own


@pytest.mark.parametrize("bind", [Bind(8080), Bind(0), Bind(65535, public=True), Bind(0, public=True)])
def test_bind_is_read_back_from_its_text(bind: Bind) -> None:
    """Port 0 stays 0, because the user left the choice to Docker."""
    assert Bind.parse(str(bind)) == bind


def test_bind_as_text_is_an_address() -> None:
    """The text is what a user would write."""
    assert [str(Bind(8080)), str(Bind(8080, public=True))] == ["127.0.0.1:8080", "0.0.0.0:8080"]


def test_port_conflict_names_the_container() -> None:
    """The error names the container and its image, and proposes another port."""
    engine = FakeEngine()
    engine.port_owners = {8080: Container("0", "web", image="nginx:1")}
    error = ports.port_conflict(engine, Bind(8080), PROD)
    assert isinstance(error, ConflictError)
    assert str(error) == (
        "Port 8080 on 127.0.0.1 is in use by container web (nginx:1).\n"
        "run-prod publishes the app there.\n"
        "Stop it, or choose another: INVOKE_PROD_HOST_PORT=8081 invoke run-prod"
    )


def test_port_conflict_names_a_public_bind() -> None:
    """A container that holds a port of every address holds it on 127.0.0.1, too."""
    engine = FakeEngine()
    everywhere = (Published("0.0.0.0", 8080, 80),)  # noqa: S104 - read, not bound
    engine.port_owners = {8080: Container("0", "web", image="nginx:1", published=everywhere)}
    assert ports.port_owner(engine, 8080) == "container web (nginx:1, 0.0.0.0:8080)"


def test_port_conflict_of_dev_names_its_setting() -> None:
    """The way out names the task that was run."""
    error = ports.port_conflict(FakeEngine(), Bind(3000), DEV)
    assert (error.why, error.how) == (
        "dev publishes the app there.",
        "Stop it, or choose another: INVOKE_DEV_HOST_PORT=3001 invoke dev",
    )


def test_port_conflict_proposes_a_port_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one may have a container or a program of its own."""
    engine = FakeEngine()
    engine.port_owners = {port: Container("0", "web", image="nginx:1") for port in (8080, 8081)}
    monkeypatch.setattr(ports, "is_listening", lambda _host, port: port == 8082)
    assert "INVOKE_PROD_HOST_PORT=8083 invoke run-prod" in ports.port_conflict(engine, Bind(8080), PROD).how


def test_port_conflict_on_the_last_port_proposes_the_one_before() -> None:
    """The proposed port exists."""
    assert "INVOKE_PROD_HOST_PORT=65534 invoke run-prod" in ports.port_conflict(FakeEngine(), Bind(65535), PROD).how


UNKNOWN = "an unknown process"


@pytest.mark.parametrize(
    ("listeners", "owner"),
    [
        ([Listener("LISTEN", ("127.0.0.1", 8080), os.getpid())], f"process {os.getpid()} (node)"),
        ([Listener("LISTEN", ("127.0.0.1", 8080), None)], UNKNOWN),
        ([Listener("ESTABLISHED", ("127.0.0.1", 8080), os.getpid())], UNKNOWN),
        ([Listener("LISTEN", ("127.0.0.1", 80), os.getpid())], UNKNOWN),
        ([Listener("LISTEN", (), os.getpid())], UNKNOWN),
        ([], UNKNOWN),
    ],
    ids=["listens", "unknown", "is-connected", "has-another-port", "has-no-address", "is-gone"],
)
def test_port_owner_is_a_process(monkeypatch: pytest.MonkeyPatch, listeners: list[Listener], owner: str) -> None:
    """A process is named if the system tells which one listens."""
    monkeypatch.setattr(psutil, "net_connections", lambda _kind: listeners)
    monkeypatch.setattr(psutil.Process, "name", lambda _process: "node")
    assert ports.port_owner(FakeEngine(), 8080) == ports.port_owner(DryRunEngine("hello-dock"), 8080) == owner


def test_port_owner_that_only_root_can_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS shows the connections of other users only to root."""

    def refuse(_kind: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    assert ports.port_owner(FakeEngine(), 8080) == "a process that only root can identify"


def test_port_that_nobody_set_gives_way(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next free one is taken, and said. A port that somebody set, and a free one, stay."""
    engine.port_owners = {port: Container("0", "web", image="nginx:1") for port in (8080, 8081)}
    default = Project(Runner(), engine, replace(settings, default_ports=("prod",)))
    assert ports.free_bind(default, PROD, Bind(8080, public=True)) == Bind(8082, public=True)
    assert capsys.readouterr().out == (
        "! Port 8080 is in use by container web (nginx:1), so run-prod takes port 8082.\n"
    )
    for bind, role, project in (
        (Bind(8080), PROD, Project(Runner(), engine, settings)),
        (Bind(8079), PROD, default),
        (Bind(3000), DEV, default),
        (Bind(8080), PROD, Project(Runner(dry=True), engine, default.settings)),
    ):
        assert ports.free_bind(project, role, bind) == bind
    assert capsys.readouterr().out == ""


def test_default_port_that_another_project_has_just_taken_gives_way(engine: FakeEngine, settings: Settings) -> None:
    """Two tasks may choose one port at the same time. A port that somebody set is an error, as any other conflict."""
    default = Project(Runner(), engine, replace(settings, default_ports=("prod",)))
    error = ConflictError("Port 8080 is in use.", "", "")
    tried: list[int] = []

    def start(bind: Bind) -> None:
        tried.append(bind.host_port)
        if bind.host_port < 8082:
            engine.port_owners[bind.host_port] = Container("0", "web")
            raise error

    assert ports.publish(default, PROD, Bind(8080), start) == Bind(8082)
    assert tried == [8080, 8081, 8082]
    with pytest.raises(ConflictError, match="8080"):
        ports.publish(replace(default, settings=settings), PROD, Bind(8080), start)
    engine.port_owners.clear()
    with pytest.raises(ConflictError, match="8080"):
        ports.publish(default, PROD, Bind(8080), raising(error))


def raising(error: Exception) -> Callable[[Bind], None]:
    """Return a function that raises an error."""

    def start(_bind: Bind) -> None:
        raise error

    return start


def test_port_of_a_container_is_not_taken_over_without_a_free_one(engine: FakeEngine, settings: Settings) -> None:
    """Then the default stays, and the start reports who has it."""
    engine.port_owners = dict.fromkeys(range(8080, 8080 + ports.MAX_PORTS), Container("0", "web"))
    project = Project(Runner(), engine, replace(settings, default_ports=("prod",)))
    assert ports.free_bind(project, PROD, Bind(8080)) == Bind(8080)


def test_port_that_a_setting_names_has_to_be_free(engine: FakeEngine, settings: Settings) -> None:
    """A default gives way later, port 0 is any, and the project itself may have the port, which it keeps."""
    project = Project(Runner(), engine, settings)
    engine.port_owners = {8080: Container("0", "web", image="nginx:1"), 8081: own_container("prod")}
    with pytest.raises(ConflictError, match=r"Port 8080 on 127\.0\.0\.1 is in use by container web"):
        ports.require_free(project, PROD, Bind(8080))
    for port in (0, 8079, 8081):
        ports.require_free(project, PROD, Bind(port))
    with pytest.raises(ConflictError, match="Port 8081"):
        ports.require_free(project, DEV, Bind(8081))
    ports.require_free(replace(project, settings=replace(settings, default_ports=("prod",))), PROD, Bind(8080))
    ports.require_free(Project(Runner(dry=True), engine, settings), PROD, Bind(8080))
