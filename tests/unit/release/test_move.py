"""How a release moves to another port or address, which needs another port holder."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from docktasks.engine.models import Container, Published
from docktasks.errors import ConflictError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import (
    BRIDGE,
    BRING_UP,
    DRAIN,
    GATE,
    HOLDER,
    HOLDER_PREVIOUS,
    NAME,
    PREVIOUS,
    RECORD,
    SET_ASIDE,
    A,
    B,
    container_ids,
    deployed,
    is_whole,
    serve_a_build_b,
)
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.web import Web
from tests.unit.release.faults import BROKEN_RELEASES, INTERRUPTIONS, Fault


@pytest.mark.parametrize("port", ["8081", "0"])
def test_move_to_another_port_has_no_gap(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    """Both ports are served until the old release and its port holder are removed."""
    serve_a_build_b(engine, settings)
    run = Runner(engine)
    url = deployed(engine, configured(settings.root, prod_host_port=port), run).url
    assert url == f"http://127.0.0.1:{port if port != '0' else '49153'}"
    assert run.verbs == [*GATE, *BRIDGE, *SET_ASIDE, *BRING_UP, *DRAIN, f"rm {HOLDER_PREVIOUS}", *RECORD]
    assert (sorted(engine.by_name), engine.listeners(8080)) == ([NAME, HOLDER], [])
    output = capsys.readouterr().out
    assert "a gap begins" not in output
    assert f"release {B} serves, without a gap\n" in output
    assert f"drained and removed release {A}\n" in output


def test_move_to_another_address_of_the_port_announces_its_gap(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another port holder can publish the port only when it is free, so the old pair stops first, within a second."""
    serve_a_build_b(engine, settings)
    run = Runner(engine)
    assert deployed(engine, settings, run, public=True).url == "http://127.0.0.1:8080"
    free_port = [f"stop {PREVIOUS}", f"stop {HOLDER_PREVIOUS}"]
    finish = [*DRAIN, f"rm {HOLDER_PREVIOUS}", *RECORD]
    assert run.verbs == [*GATE, *BRIDGE, *SET_ASIDE, *free_port, *BRING_UP, *finish]
    assert f"docker container stop -t 1 {PREVIOUS}" in run.lines
    output = capsys.readouterr().out
    assert "! 0.0.0.0:8080 needs the port of the current release: a gap begins.\n" in output
    assert re.search(rf"release {B} serves, after a gap of \d+\.\d s\n", output)
    assert engine.by_name[HOLDER].published == (Published("0.0.0.0", 8080, 80),)  # noqa: S104 - read, not bound
    assert engine.by_name[NAME].labels["hello-dock.public"] == "true"


@pytest.mark.parametrize("unchanged", [True, False], ids=["the same release", "another release"])
def test_port_holder_of_an_earlier_version_moves_to_a_network_of_its_own(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str], *, unchanged: bool
) -> None:
    """Such a port holder is in Docker's default network. The next run-prod says why it moves, and that it has a gap."""
    serve_a_build_b(engine, settings)
    engine.by_name[HOLDER] = replace(engine.by_name[HOLDER], networks={"bridge": "172.17.0.2"})
    if unchanged:
        engine.apply(["docker", "image", "tag", A, "hello-dock:prod"])
    capsys.readouterr()
    assert not deployed(engine, settings).unchanged
    output = capsys.readouterr().out
    assert "! The port holder is replaced by one in other networks.\n" in output
    assert "a gap begins" in output
    assert engine.by_name[HOLDER].networks.keys() == {NAME}
    assert is_whole(engine)
    assert deployed(engine, settings).unchanged


def test_move_to_a_taken_port_runs_no_command(engine: FakeEngine, settings: Settings) -> None:
    """The current release must not stop for a port that another container has."""
    serve_a_build_b(engine, settings)
    engine.port_owners = {8081: Container("0", "web", image="nginx:1")}
    run = Runner(engine)
    with pytest.raises(ConflictError, match=r"Port 8081 on .* is in use by container web"):
        deployed(engine, configured(settings.root, prod_host_port="8081"), run)
    assert run.ran == []


def test_move_back_to_the_first_port(engine: FakeEngine, settings: Settings) -> None:
    """A move to another port and back leaves the same containers."""
    serve_a_build_b(engine, settings)
    deployed(engine, configured(settings.root, prod_host_port="8081"))
    deployed(engine, settings)
    assert is_whole(engine)


@pytest.mark.parametrize("fault", BROKEN_RELEASES)
def test_failed_move_puts_the_current_release_back(
    engine: FakeEngine, settings: Settings, web: Web, fault: Fault
) -> None:
    """If the new release does not come up in the gap, the old pair gets its names back and is restarted."""
    serve_a_build_b(engine, settings)
    ids, run = container_ids(engine), Runner(engine)
    error_type = fault(engine, run, web)
    with pytest.raises(error_type):
        deployed(engine, settings, run, public=True)
    assert run.verbs[-2:] == [f"restart {HOLDER}", f"restart {NAME}"]
    assert container_ids(engine) == ids
    assert is_whole(engine)


@pytest.mark.parametrize("fault", INTERRUPTIONS)
@pytest.mark.parametrize(("health", "release"), [("healthy", B), ("starting", A)])
def test_interrupted_move_keeps_the_release_that_is_healthy(  # noqa: PLR0913, PLR0917 - fixtures and what varies
    engine: FakeEngine, settings: Settings, web: Web, fault: Fault, health: str, release: str
) -> None:
    """A healthy new release stays, because going back would be another gap; else the old one is put back."""
    serve_a_build_b(engine, settings)
    engine.start_states[NAME] = {"health": health}
    run = Runner(engine)
    error_type = fault(engine, run, web)
    with pytest.raises(error_type):
        deployed(engine, settings, run, public=True)
    assert is_whole(engine)
    assert engine.by_name[NAME].release == release
