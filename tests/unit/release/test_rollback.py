"""How an earlier release is deployed again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Published
from docktasks.errors import StartError
from docktasks.release import deploy
from docktasks.release.deploy import Deployment
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.production import (
    CANDIDATE,
    CARRY,
    GATE,
    HOLDER,
    NAME,
    NEXT,
    A,
    B,
    add_build,
    deployed,
    image,
    serve_a_build_b,
)
from tests.unit.fakes.runner import Runner


def rolled_back(engine: FakeEngine, settings: Settings, to: str = "", run: Runner | None = None) -> Deployment:
    """Run `invoke rollback`."""
    return deploy.roll_back(Project(run or Runner(engine), engine, settings), to)


def test_rollback_swaps_to_the_release_before(engine: FakeEngine, settings: Settings) -> None:
    """An earlier release passes the gate like a new one, and the newest build stays the newest."""
    serve_a_build_b(engine, settings)
    deployed(engine, settings)
    run = Runner(engine)
    deployment = rolled_back(engine, settings, run=run)
    assert (deployment.url, deployment.unchanged) == ("http://127.0.0.1:8080", False)
    assert deployment.build.image.release == A
    assert run.verbs[0] == f"run {CANDIDATE}"
    assert (engine.by_name[NAME].release, sorted(engine.by_name)) == (A, [NAME, HOLDER])
    assert engine.image_store["hello-dock:prod"].release == B


def test_rollback_goes_to_the_release_with_the_given_prefix(engine: FakeEngine, settings: Settings) -> None:
    """--to takes the beginning of a release's id."""
    for letter in "abc":
        add_build(engine, letter)
        deployed(engine, settings)
    assert rolled_back(engine, settings, to="aa").build.image.release == A
    assert engine.by_name[NAME].release == A


def test_impossible_rollback_runs_no_command(engine: FakeEngine, settings: Settings) -> None:
    """Without an earlier release, or with an unknown prefix, the error names the task that lists them."""
    deployed(engine, settings)
    run = Runner(engine)
    for to in ("", "b", "a"):
        with pytest.raises(StartError, match="invoke releases") as caught:
            rolled_back(engine, settings, to, run)
        assert caught.value.how == "List the releases: invoke releases"
    assert run.ran == []


def test_rollback_keeps_configuration_and_address(engine: FakeEngine, settings: Settings) -> None:
    """Configuration and address belong to the place, not to the release."""
    deployed(engine, settings)
    add_build(engine, "b")
    deployed(engine, settings, public=True, page_config='{"API_URL":"/api"}')
    rolled_back(engine, settings)
    assert engine.by_name[NAME].release == A
    assert engine.by_name[NAME].environment == {"HELLO_DOCK_ENV": '{"API_URL":"/api"}'}
    assert engine.by_name[HOLDER].published == (Published("0.0.0.0", 8080, 80),)  # noqa: S104 - read, not bound


def test_rollback_after_stop_starts_the_last_release(engine: FakeEngine, settings: Settings) -> None:
    """Without a current release, the last one that served is started."""
    deployed(engine, settings)
    engine.by_name.clear()
    assert (rolled_back(engine, settings).build.image.release, sorted(engine.by_name)) == (A, [NAME, HOLDER])


def test_rollback_after_an_interrupted_task_needs_a_name(engine: FakeEngine, settings: Settings) -> None:
    """After a recovery the release before the current one may be the bad one, so the user has to name one."""
    serve_a_build_b(engine, settings)
    deployed(engine, settings)
    engine.apply(["docker", "container", "rename", NAME, NEXT])
    run = Runner(engine)
    with pytest.raises(StartError, match=f"interrupted, and release {B} serves now") as caught:
        rolled_back(engine, settings, run=run)
    assert "invoke rollback --to=RELEASE" in caught.value.how
    assert run.verbs == [f"rename {NEXT} {NAME}"]
    assert rolled_back(engine, settings, A).build.image.release == A
    assert engine.by_name[NAME].release == A


def test_rollback_with_a_name_continues_after_a_recovery(engine: FakeEngine, settings: Settings) -> None:
    """With a name it is clear which release is meant."""
    serve_a_build_b(engine, settings)
    deployed(engine, settings)
    engine.apply(["docker", "container", "rename", NAME, NEXT])
    assert rolled_back(engine, settings, A).build.image.release == A


def test_abandoned_candidate_does_not_stop_a_rollback(engine: FakeEngine, settings: Settings) -> None:
    """A candidate never served, so the order of the releases is clear."""
    serve_a_build_b(engine, settings)
    deployed(engine, settings)
    engine.by_name[CANDIDATE] = own_container("prod", name=CANDIDATE)
    assert rolled_back(engine, settings).build.image.release == A


def test_rollback_that_was_not_recorded_needs_a_name(engine: FakeEngine, settings: Settings) -> None:
    """A rollback that serves but was interrupted before its record leaves the order of the releases unclear."""
    serve_a_build_b(engine, settings)
    deployed(engine, settings)
    keep = f"docker container run --rm --name {CARRY} "
    with pytest.raises(StartError, match="serves, but that could not be recorded"):
        rolled_back(engine, settings, run=UnrecordingRunner(engine, {keep: Result(137)}))
    assert engine.by_name[NAME].release == A
    with pytest.raises(StartError, match=f"An earlier task was interrupted, and release {A} serves now"):
        rolled_back(engine, settings)
    assert rolled_back(engine, settings, to=B).build.image.release == B


class UnrecordingRunner(Runner):
    """Bridges assets, and gives its answers only to the command that records a release."""

    def _result(self, args: list[str]) -> Result:
        answers, self.answers = self.answers, {} if "keep" not in args else self.answers
        try:
            return super()._result(args)
        finally:
            self.answers = answers


def test_rollback_of_a_removed_release_keeps_its_configuration(engine: FakeEngine, settings: Settings) -> None:
    """The volume still has the configuration of a release whose container was removed."""
    serve_a_build_b(engine, settings)
    deployed(engine, settings, page_config='{"API_URL":"/api"}')
    add_build(engine, "c")
    deployed(engine, settings, page_config='{"API_URL":"/api"}')
    engine.apply(["docker", "container", "rm", "--force", NAME])
    rolled_back(engine, settings)
    assert engine.by_name[NAME].environment["HELLO_DOCK_ENV"] == '{"API_URL":"/api"}'


def test_rollback_to_an_image_built_by_hand(engine: FakeEngine, settings: Settings) -> None:
    """The handbook's own command sets no label of ours, but a release that served has its release tag."""
    engine.image_store["hello-dock:prod"] = replace(image("a"), labels={})
    deployed(engine, settings)
    add_build(engine, "b")
    deployed(engine, settings)
    assert rolled_back(engine, settings).build.image.release == A


def test_rollback_to_a_release_recorded_by_the_next_one(engine: FakeEngine, settings: Settings) -> None:
    """A release that was not recorded by its own task is recorded by the next one before the gate."""
    deployed(engine, settings, Runner(engine, {"docker container run --rm": Result(), "docker image tag": Result()}))
    add_build(engine, "b")
    run = Runner(engine)
    deployed(engine, settings, run)
    assert run.verbs[:3] == [f"carry add {A}", f"tag {image('a').short_id} hello-dock:{A}", f"run {CANDIDATE}"]
    assert engine.assets == {A, B}
    assert rolled_back(engine, settings).build.image.release == A


def test_dry_rollback_shows_a_first_start(settings: Settings) -> None:
    """Under --dry the commands name the release that was asked for."""
    run = Runner(dry=True)
    deploy.roll_back(Project(run, DryRunEngine("hello-dock"), settings), "0a1b2c")
    started = [f"network create {NAME}", *GATE, "carry add 0a1b2c", f"run {HOLDER}", f"run {NAME}"]
    assert run.verbs == [*started, "tag 0a1b2c hello-dock:0a1b2c", "carry keep 0a1b2c"]
