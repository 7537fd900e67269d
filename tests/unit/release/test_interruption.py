"""Production is interrupted at every command, in every way, and is whole again after the next run-prod."""

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
from tests.unit.fakes.production import HOLDER, NAME, A, B, deployed, serving
from tests.unit.fakes.runner import Runner, is_script

Task = Callable[[Runner, FakeEngine, Settings], object]


class Killed(BaseException):
    """What a process that is killed with -9 does not live to see."""


class Doomed(Runner):
    """Loses its user at one command (Ctrl-C), or its life: then no command is obeyed any more.

    `moment` says how far the command at `place` gets: not begun, half done, or done.
    """

    def __init__(self, engine: FakeEngine, place: int, moment: str, end: type[BaseException]) -> None:
        super().__init__(engine)
        self.obeying, self.place, self.moment, self.end = engine, place, moment, end
        self.gap = False
        """Whether there was a moment in which a visitor met nobody."""

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Obey, but for the one command."""
        here = len(self.ran) - self.place
        if here > 0 and self.end is Killed:
            raise Killed
        if here == 0 and self.moment != "done":
            self.ran.append(args)
            if self.moment == "half done" and is_script(args):  # a session of its own: it goes on to its end
                self._answered(args)
            elif self.moment == "half done":
                self.obeying.apply_interrupted(args)
            result = Result()
        else:
            result = super().__call__(args, quiet=quiet)
        self.gap = self.gap or not served_by(self.obeying)
        if here == 0:
            raise self.end
        return result


def watching(engine: FakeEngine) -> Doomed:
    """A runner that is never interrupted."""
    return Doomed(engine, sys.maxsize, "done", Killed)


def served_by(engine: FakeEngine) -> list[str]:
    """Who answers visitors, at the port of before or at the new one."""
    return [each.name for port in (8080, 8081) for each in engine.listeners(port)]


def run_prod(run: Runner, engine: FakeEngine, settings: Settings) -> None:
    """`invoke run-prod --no-build`."""
    deployed(engine, settings, run)


def run_public(run: Runner, engine: FakeEngine, settings: Settings) -> None:
    """`invoke run-prod --no-build --public`: the same port of another address."""
    deployed(engine, settings, run, public=True)


def run_elsewhere(run: Runner, engine: FakeEngine, settings: Settings) -> None:
    """`INVOKE_PROD_HOST_PORT=8081 invoke run-prod --no-build`."""
    deployed(engine, configured(settings.root, prod_host_port="8081"), run)


def roll_back(run: Runner, engine: FakeEngine, settings: Settings) -> None:
    """`invoke rollback`."""
    deploy.roll_back(Project(run, engine, settings), "")


def nothing(_engine: FakeEngine, _settings: Settings) -> None:
    """Nothing was ever released."""


def two_releases(engine: FakeEngine, settings: Settings) -> None:
    """The second serves; the first can be rolled back to."""
    serving(engine, settings)
    deployed(engine, settings)


@dataclass(frozen=True)
class Life:
    """What there is before, the `task` that is interrupted, the one that comes `then`, and what serves after both.

    `gap` says that nobody may be served for a moment.
    """

    before: Callable[[FakeEngine, Settings], None]
    task: Task
    then: Task
    after: str
    port: int = 8080
    gap: bool = False


LIVES = {
    "first start": Life(nothing, run_prod, run_prod, A, gap=True),
    "swap": Life(serving, run_prod, run_prod, B),
    "move to another port": Life(serving, run_elsewhere, run_elsewhere, B, port=8081),
    "move to another address": Life(serving, run_public, run_public, B, gap=True),
    "rollback": Life(two_releases, roll_back, run_prod, B),
}
ENDS = {"Ctrl-C": KeyboardInterrupt, "kill -9": Killed}


@pytest.fixture(autouse=True)
def _quick_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the gate judges has tests of its own."""
    monkeypatch.setattr(gate, "_judge", lambda *_: "nothing")


def interrupted(
    new_engine: Callable[[], FakeEngine], settings: Settings, life: Life, moment: str, end: type[BaseException]
) -> Iterator[tuple[FakeEngine, Doomed]]:
    """An engine and its runner for each command of the task, after the task was interrupted there."""
    for place in count():
        engine = new_engine()
        life.before(engine, settings)
        run = Doomed(engine, place, moment, end)
        try:
            life.task(run, engine, settings)
        except end:
            yield engine, run
        else:
            assert place == len(run.ran) > 3
            return


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("moment", ["not begun", "half done", "done"])
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_an_interrupted_task_is_finished_or_undone(
    new_engine: Callable[[], FakeEngine], settings: Settings, life: Life, moment: str, end: type[BaseException]
) -> None:
    """Wherever it was: then one release serves, behind one port holder, with nothing beside it, and is remembered.

    And until then there was no moment in which nobody served, but where the port itself had to be given up.
    """
    for engine, run in interrupted(new_engine, settings, life, moment, end):
        where = f"{moment}: {run.verbs[run.place]}"
        again = watching(engine)
        life.then(again, engine, settings)
        where += f", then {again.verbs}"
        assert sorted(engine.by_name) == [NAME, HOLDER], where
        assert [each.name for each in engine.listeners(life.port)] == [NAME], where
        assert engine.by_name[NAME].release == life.after, where
        assert f"hello-dock:{life.after}" in engine.image_ids, where
        assert life.after in engine.assets, where
        assert life.gap or not (run.gap or again.gap), where


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_a_recovery_can_be_interrupted_too(
    new_engine: Callable[[], FakeEngine], settings: Settings, life: Life
) -> None:
    """What is killed while it mends what a kill left is mended by the one after it, and nobody misses a release."""
    twice = 0
    for place in range(6):  # a recovery has no more commands
        for engine, run in interrupted(new_engine, settings, life, "done", Killed):
            second, third = Doomed(engine, place, "done", Killed), watching(engine)
            where = f"{run.verbs[-1]}, then {place} more commands"
            try:
                life.then(second, engine, settings)
            except Killed:
                twice += 1
            life.then(third, engine, settings)
            assert sorted(engine.by_name) == [NAME, HOLDER], where
            assert [each.name for each in engine.listeners(life.port)] == [NAME], where
            assert life.gap or not (run.gap or second.gap or third.gap), where
    assert twice > 6


@pytest.mark.parametrize("moment", ["not begun", "half done", "done"])
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_after_a_ctrl_c_somebody_serves_at_once(
    new_engine: Callable[[], FakeEngine], settings: Settings, life: Life, moment: str
) -> None:
    """Without another command of the user: under its own name, or nothing is left of what never served."""
    for engine, run in interrupted(new_engine, settings, life, moment, KeyboardInterrupt):
        where = f"{moment}: {run.verbs[run.place]}, left {sorted(engine.by_name)}"
        assert NAME in served_by(engine) or (life.before is nothing and engine.by_name == {}), where


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_without_an_interruption_it_is_done_at_once(engine: FakeEngine, settings: Settings, life: Life) -> None:
    """The next task finds nothing to do, but after a rollback, whose image is not the newest."""
    life.before(engine, settings)
    run, again = watching(engine), watching(engine)
    life.task(run, engine, settings)
    assert sorted(engine.by_name) == [NAME, HOLDER]
    assert life.gap or not run.gap
    life.then(again, engine, settings)
    assert (again.ran == []) is (life.task is not roll_back)
