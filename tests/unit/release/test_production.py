"""The production containers by role: what each one is started with, and what Docker refuses."""

from __future__ import annotations

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers.startup import own_container
from docktasks.engine.dry_run import DryRunEngine
from docktasks.release import production, recovery
from docktasks.release.run_args import HOLDER_COMMAND
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import HOLDER, PREVIOUS, deployed, image
from tests.unit.fakes.runner import Runner


@pytest.mark.parametrize("base", [True, False], ids=["there", "gone"])
def test_port_holder_runs_the_base_image(engine: FakeEngine, settings: Settings, *, base: bool) -> None:
    """The base image outlives the release; if it is gone, the port holder runs the release's own image."""
    if not base:
        del engine.image_store["nginx:stable-alpine"]
    run = Runner(engine)
    deployed(engine, settings, run)
    (holder_args,) = [args for args in run.ran if HOLDER in args and "run" in args]
    assert holder_args[-3:] == ["nginx:stable-alpine" if base else image("a").short_id, "-c", HOLDER_COMMAND]


def test_dry_run_has_no_containers(settings: Settings) -> None:
    """Under --dry no container is found, so nothing is recovered, and run-prod shows a first start."""
    run = Runner(dry=True)
    project = Project(run, DryRunEngine("hello-dock"), settings)
    assert not recovery.recover(project)
    assert (run.ran, production.current_bind(project), own_container(project, "prod")) == ([], None, None)


def test_container_that_cannot_be_removed_is_reported(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The notice names the containers and has Docker's words; the task goes on."""
    refusal = Result(1, "Error response from daemon: removal is already in progress")
    run = Runner(engine, {"docker container rm": refusal})
    production.remove(Project(run, engine, settings), PREVIOUS, HOLDER)
    assert capsys.readouterr().out == f"! Docker did not remove {PREVIOUS}, {HOLDER}: {refusal.output}\n"
