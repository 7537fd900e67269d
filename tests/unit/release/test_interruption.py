"""A task is interrupted at each of its commands, in every way, and the next run-prod puts everything right."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.release import deploy, gate
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import CANDIDATE, HOLDER, NAME, A, B, deployed, serve_a_build_b
from tests.unit.fakes.runner import Runner

Task = Callable[[Runner, FakeEngine, Settings], object]


class Killed(BaseException):
    """Stands for SIGKILL: the task runs no command after it."""


class InterruptedRunner(Runner):
    """Raises `interruption` at the command with this index; after Killed, no further command is applied.

    `moment` says how far that command gets: not begun, half done, or done. `had_gap` is True if after some command no
    release answered requests.
    """

    def __init__(self, engine: FakeEngine, index: int, moment: str, interruption: type[BaseException]) -> None:
        super().__init__(engine)
        self.fake_engine, self.index, self.moment, self.interruption = engine, index, moment, interruption
        self.had_gap = False

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Apply a command, or interrupt the task at it."""
        is_interrupted = len(self.ran) == self.index
        if self.interruption is Killed and len(self.ran) > self.index:
            raise Killed
        if is_interrupted and self.moment != "done":
            self.ran.append(args)
            if self.moment == "half done":
                self.fake_engine.apply_interrupted(args)
            result = Result()
        else:
            result = super().__call__(args, quiet=quiet)
        self.had_gap = self.had_gap or not listener_names(self.fake_engine)
        if is_interrupted:
            raise self.interruption
        return result


def uninterrupted(engine: FakeEngine) -> InterruptedRunner:
    """Return a runner that only looks for gaps."""
    return InterruptedRunner(engine, sys.maxsize, "done", Killed)


def listener_names(engine: FakeEngine) -> list[str]:
    """Return the names of the containers that answer requests, on the old port or the new one."""
    return [container.name for port in (8080, 8081) for container in engine.listeners(port)]


def run_prod(run: Runner, engine: FakeEngine, settings: Settings) -> None:
    """`invoke run-prod --no-build`."""
    deployed(engine, settings, run)


def run_public(run: Runner, engine: FakeEngine, settings: Settings) -> None:
    """`invoke run-prod --no-build --public`, which needs another address on the same port."""
    deployed(engine, settings, run, public=True)


def run_on_other_port(run: Runner, engine: FakeEngine, settings: Settings) -> None:
    """`INVOKE_PROD_HOST_PORT=8081 invoke run-prod --no-build`."""
    deployed(engine, configured(settings.root, prod_host_port="8081"), run)


def roll_back(run: Runner, engine: FakeEngine, settings: Settings) -> None:
    """`invoke rollback`."""
    deploy.roll_back(Project(run, engine, settings), "")


def no_release(_engine: FakeEngine, _settings: Settings) -> None:
    """Nothing was ever released."""


def two_releases(engine: FakeEngine, settings: Settings) -> None:
    """Release B serves, and release A can be rolled back to."""
    serve_a_build_b(engine, settings)
    deployed(engine, settings)


@dataclass(frozen=True)
class Scenario:
    """The state before, the `task` that is interrupted, the `next_task`, and the `release` that serves after both.

    `needs_gap` is True if there may be a moment in which no release answers.
    """

    before: Callable[[FakeEngine, Settings], None]
    task: Task
    next_task: Task
    release: str
    port: int = 8080
    needs_gap: bool = False


SCENARIOS = {
    "first start": Scenario(no_release, run_prod, run_prod, A, needs_gap=True),
    "swap": Scenario(serve_a_build_b, run_prod, run_prod, B),
    "move to another port": Scenario(serve_a_build_b, run_on_other_port, run_on_other_port, B, port=8081),
    "move to another address": Scenario(serve_a_build_b, run_public, run_public, B, needs_gap=True),
    "rollback": Scenario(two_releases, roll_back, run_prod, B),
}
INTERRUPTIONS = {"Ctrl-C": KeyboardInterrupt, "kill -9": Killed}
MAX_RECOVERY_COMMANDS = 6

all_scenarios = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
all_moments = pytest.mark.parametrize("moment", ["not begun", "half done", "done"])


@pytest.fixture(autouse=True)
def _gate_without_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the gate's checks, which have tests of their own."""
    monkeypatch.setattr(gate, "_check_page", lambda *_: gate.Passed())


def interruptions(
    new_engine: Callable[[], FakeEngine],
    settings: Settings,
    scenario: Scenario,
    moment: str,
    interruption: type[BaseException],
) -> Iterator[tuple[FakeEngine, InterruptedRunner]]:
    """Yield an engine and its runner for each command of the task, after the task was interrupted there."""
    for index in count():
        engine = new_engine()
        scenario.before(engine, settings)
        run = InterruptedRunner(engine, index, moment, interruption)
        try:
            scenario.task(run, engine, settings)
        except interruption:
            yield engine, run
        else:
            assert index == len(run.ran) > 3
            return


def assert_whole(engine: FakeEngine, scenario: Scenario, description: str) -> None:
    """Check that the scenario's release serves behind one port holder, and that no other container is left."""
    assert sorted(engine.by_name) == [NAME, HOLDER], description
    assert [container.name for container in engine.listeners(scenario.port)] == [NAME], description


@pytest.mark.parametrize("interruption", INTERRUPTIONS.values(), ids=INTERRUPTIONS)
@all_moments
@all_scenarios
def test_interrupted_task_is_completed_or_undone_by_the_next(
    new_engine: Callable[[], FakeEngine],
    settings: Settings,
    scenario: Scenario,
    moment: str,
    interruption: type[BaseException],
) -> None:
    """After an interruption at any command and one more task, the release serves and is recorded, without a gap.

    Only a change of the address has a gap, because the port itself has to be free for a moment.
    """
    for engine, run in interruptions(new_engine, settings, scenario, moment, interruption):
        next_run = uninterrupted(engine)
        scenario.next_task(next_run, engine, settings)
        description = f"{moment}: {run.verbs[run.index]}, then {next_run.verbs}"
        assert_whole(engine, scenario, description)
        assert engine.by_name[NAME].release == scenario.release, description
        assert f"hello-dock:{scenario.release}" in engine.image_ids(), description
        assert scenario.release in engine.assets, description
        assert scenario.needs_gap or not (run.had_gap or next_run.had_gap), description


@all_scenarios
def test_recovery_may_be_killed_too(
    new_engine: Callable[[], FakeEngine], settings: Settings, scenario: Scenario
) -> None:
    """A recovery that is killed at any of its commands is completed by the next task, without a gap."""
    killed_recoveries = 0
    for index in range(MAX_RECOVERY_COMMANDS):
        for engine, run in interruptions(new_engine, settings, scenario, "done", Killed):
            second_run, third_run = InterruptedRunner(engine, index, "done", Killed), uninterrupted(engine)
            description = f"{run.verbs[-1]}, then {index} more commands"
            try:
                scenario.next_task(second_run, engine, settings)
            except Killed:
                killed_recoveries += 1
            scenario.next_task(third_run, engine, settings)
            assert_whole(engine, scenario, description)
            assert scenario.needs_gap or not (run.had_gap or second_run.had_gap or third_run.had_gap), description
    assert killed_recoveries > MAX_RECOVERY_COMMANDS


@all_moments
@all_scenarios
def test_release_serves_right_after_ctrl_c(
    new_engine: Callable[[], FakeEngine], settings: Settings, scenario: Scenario, moment: str
) -> None:
    """After a Ctrl-C at any command, also in the gap of a move, a release serves, unless none served before."""
    for engine, run in interruptions(new_engine, settings, scenario, moment, KeyboardInterrupt):
        description = f"{moment}: {run.verbs[run.index]}, left {sorted(engine.by_name)}"
        nothing_served_before = scenario.before is no_release and engine.by_name.keys() <= {CANDIDATE}
        assert NAME in listener_names(engine) or nothing_served_before, description


@all_scenarios
def test_uninterrupted_task_leaves_nothing_to_do(engine: FakeEngine, settings: Settings, scenario: Scenario) -> None:
    """The next task runs no command, except after a rollback, whose image is not the newest build."""
    scenario.before(engine, settings)
    run, next_run = uninterrupted(engine), uninterrupted(engine)
    scenario.task(run, engine, settings)
    assert sorted(engine.by_name) == [NAME, HOLDER]
    assert scenario.needs_gap or not run.had_gap
    scenario.next_task(next_run, engine, settings)
    assert (next_run.ran == []) is (scenario.task is not roll_back)
