"""What run-prod says about the deltas of a release, after it has made them."""

from __future__ import annotations

import pytest

from docktasks.commands import Result
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import DELTAS, deployed, serve_a_build_b
from tests.unit.fakes.runner import Runner

SCRIPT = "--entrypoint node node:lts-alpine /srv/carried/current/deltas.mjs"


class DeltaRunner(Runner):
    """Gives the command that makes deltas a result."""

    def __init__(self, engine: FakeEngine, result: Result) -> None:
        super().__init__(engine)
        self.result = result

    def _result(self, args: list[str]) -> Result:
        return self.result if "deltas.mjs" in args[-1] else super()._result(args)


def test_first_release_makes_no_deltas(engine: FakeEngine, settings: Settings) -> None:
    """There is no earlier file that a visitor could have."""
    run = Runner(engine)
    deployed(engine, settings, run)
    assert not [line for line in run.lines if "deltas.mjs" in line]


def test_next_release_makes_deltas_after_it_is_recorded(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The base image with node makes them, without a network, in the volume. Their number is a line of progress."""
    serve_a_build_b(engine, settings)
    run = DeltaRunner(engine, Result(0, "6 deltas of 595 bytes\n"))
    deployed(engine, settings, run)
    line = next(line for line in run.lines if SCRIPT in line)
    assert "--network none --read-only --user 0:0" in line
    assert run.verbs[-1] == DELTAS
    assert "made 6 deltas of 595 bytes" in capsys.readouterr().out


def test_failure_is_a_notice(engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """The release serves. Visitors who return load whole files."""
    serve_a_build_b(engine, settings)
    run = DeltaRunner(engine, Result(1, "no space left on device"))
    assert deployed(engine, settings, run).url
    assert "There are no deltas, so visitors who return load whole files: no space left" in capsys.readouterr().out


def test_machine_without_the_node_image_makes_none(engine: FakeEngine, settings: Settings) -> None:
    """It runs an image of a registry, and builds none."""
    serve_a_build_b(engine, settings)
    del engine.image_store["node:lts-alpine"]
    run = Runner(engine)
    assert deployed(engine, settings, run).url
    assert not [line for line in run.lines if "deltas.mjs" in line]
