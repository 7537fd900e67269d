"""One change of the service on every node, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docktasks.commands import Result
from docktasks.errors import FleetError
from docktasks.fleet import rollout
from docktasks.fleet.stack import Stack
from docktasks.fleet.swarm import Node, Swarm
from tests.unit.fakes.runner import Runner
from tests.unit.fleet.conftest import A, B, SwarmEngine, node, service, task, with_fleet

ROLLBACK = "docker service rollback --detach --quiet hello-dock_site"


class ChangingRunner(Runner):
    """Changes the service of a swarm: to B by a stack, and back to A by a rollback."""

    def __init__(self, engine: SwarmEngine, *, nodes: tuple[int, ...] = (1, 2), state: str = "completed") -> None:
        super().__init__(engine)
        self.swarm_engine, self.changed_nodes, self.state = engine, nodes, state

    def _result(self, args: list[str]) -> Result:
        parts = self.swarm_engine.parts
        if args[1:3] == ["stack", "deploy"]:
            parts["services"] = [service(B, state=self.state, release=B) | {"Version": {"Index": 2}}]
            parts["tasks"] = [task(number, B if number in self.changed_nodes else A) for number in (1, 2)]
        elif args[1:3] == ["service", "rollback"]:
            parts["services"] = [service(A, state="rollback_completed", release=A)]
            parts["tasks"] = [task(number, A) for number in (1, 2)]
        return Result()


def engine_with(nodes: list[dict[str, Any]]) -> SwarmEngine:
    """Return a swarm whose nodes serve A."""
    return SwarmEngine(nodes=nodes, services=[service(A, release=A)], tasks=[task(number, A) for number in (1, 2)])


def roll(swarm: Swarm, folder: Path, look: Callable[[Node], str]) -> None:
    """Change the nodes from A to B."""
    nodes = [Node.parse(node(number)) for number in (1, 2)]
    rollout.roll(swarm, Stack(swarm.project.settings, B), folder, nodes, look)


def test_each_node_is_looked_at(swarm_of: Callable[..., Swarm], tmp_path: Path) -> None:
    """One look is enough."""
    engine, looked_at = engine_with([node(1), node(2)]), list[str]()

    def look(node: Node) -> str:
        looked_at.append(node.id)
        return ""

    run = ChangingRunner(engine)
    roll(swarm_of(engine, run), tmp_path, look)
    assert looked_at == ["id1", "id2"]
    assert ROLLBACK not in run.lines


def test_node_with_another_page_brings_all_back(swarm_of: Callable[..., Swarm], tmp_path: Path) -> None:
    """The error says what each node serves then."""
    engine = engine_with([node(1), node(2)])
    run = ChangingRunner(engine)
    with pytest.raises(FleetError) as caught:
        roll(swarm_of(engine, run), tmp_path, lambda node: "another page" if node.id == "id2" else "")
    assert caught.value.evidence == "harbour2 (10.0.0.2): another page"
    assert caught.value.why == f"Every node serves {rollout.short(A)}."
    assert ROLLBACK in run.lines


def test_node_that_is_lost_brings_the_others_back(swarm_of: Callable[..., Swarm], tmp_path: Path) -> None:
    """It gets the release before when it comes back."""
    engine = engine_with([node(1), node(2, state="down")])
    run = ChangingRunner(engine, nodes=(1,), state="updating")
    with pytest.raises(FleetError) as caught:
        roll(swarm_of(engine, run), tmp_path, lambda _: "")
    assert "harbour2 (10.0.0.2) does not take tasks any more" in caught.value.evidence
    assert ROLLBACK in run.lines


def test_interruption_brings_all_back(swarm_of: Callable[..., Swarm], tmp_path: Path) -> None:
    """Ctrl-C is a failure as any other."""
    engine = engine_with([node(1), node(2)])
    run = ChangingRunner(engine)

    def interrupt(_: Node) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        roll(swarm_of(engine, run), tmp_path, interrupt)
    assert ROLLBACK in run.lines


def test_deployment_that_swarm_has_not_begun_takes_nothing_back(swarm_of: Callable[..., Swarm], tmp_path: Path) -> None:
    """A rollback would go to the release before the one that serves. Both have the same image here."""
    engine = engine_with([node(1), node(2)])

    class InterruptedRunner(Runner):
        def _result(self, args: list[str]) -> Result:
            if args[1:3] == ["stack", "deploy"]:
                raise KeyboardInterrupt
            return Result()

    run, nodes = InterruptedRunner(engine), [Node.parse(node(number)) for number in (1, 2)]
    swarm = swarm_of(engine, run)
    with pytest.raises(KeyboardInterrupt):
        rollout.roll(swarm, Stack(swarm.project.settings, A), tmp_path, nodes, lambda _: "")
    assert ROLLBACK not in run.lines


def test_first_release_that_fails_is_removed(swarm_of: Callable[..., Swarm], tmp_path: Path) -> None:
    """There is nothing to go back to."""
    engine = SwarmEngine(nodes=[node(1), node(2)])
    run = ChangingRunner(engine)
    with pytest.raises(FleetError) as caught:
        roll(swarm_of(engine, run), tmp_path, lambda _: "no answer")
    assert caught.value.why == "Nothing serves, as before."
    assert run.lines[-1] == "docker stack rm hello-dock"


def test_what_swarm_takes_back_itself_is_not_taken_back_twice(swarm_of: Callable[..., Swarm], tmp_path: Path) -> None:
    """A second rollback would go forward again. The error has what the node says."""
    engine = engine_with([node(1), node(2)])

    class SwarmRunner(ChangingRunner):
        """Swarm has gone back to A, because a task failed."""

        def _result(self, args: list[str]) -> Result:
            if args[1:3] == ["stack", "deploy"]:
                self.swarm_engine.parts["services"] = [service(A, state="rollback_completed", release=A)]
                self.swarm_engine.parts["tasks"].append(task(2, B, "failed", "task: non-zero exit (3)"))
            return Result()

    run = SwarmRunner(engine)
    with pytest.raises(FleetError) as caught:
        roll(swarm_of(engine, run), tmp_path, lambda _: "")
    assert caught.value.evidence == "harbour2 (10.0.0.2): task: non-zero exit (3)"
    assert ROLLBACK not in run.lines


@pytest.mark.parametrize(("serving", "is_settled"), [((1, 2), True), ((1,), False)])
def test_replicas_serve_on_some_nodes(
    swarm_of: Callable[..., Swarm], serving: tuple[int, ...], *, is_settled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node without a task is looked at only while tasks are missing. The service says how many there are."""
    engine = SwarmEngine(nodes=[node(number) for number in (1, 2, 3)], services=[service(A, replicas=2, release=A)])
    engine.parts["tasks"] = [task(number, A) for number in serving]
    swarm = with_fleet(swarm_of(engine), replicas=3)  # the next deployment's
    monkeypatch.setattr(rollout, "time_limit_s", lambda *_: 0)
    assert rollout.settle(swarm) is is_settled
    assert [node.id for node in swarm.serving_nodes()] == [
        f"id{number}" for number in (serving if is_settled else (1, 2, 3))
    ]


def test_task_that_is_too_many_is_not_looked_at(swarm_of: Callable[..., Swarm]) -> None:
    """Swarm has told it to stop, and it drains."""
    engine = SwarmEngine(nodes=[node(1), node(2)], services=[service(A, replicas=1, release=A)])
    engine.parts["tasks"] = [task(1, A, desired="remove"), task(2, A)]
    assert [node.id for node in swarm_of(engine).serving_nodes()] == ["id2"]


def test_task_may_go_during_the_look_at_it(swarm_of: Callable[..., Swarm], tmp_path: Path) -> None:
    """There are fewer replicas than before. A look that fails at a task that stays is a fault."""
    engine = SwarmEngine(nodes=[node(1), node(2)])

    class ScalingRunner(Runner):
        """Sets the number of replicas to 1, while both tasks still run."""

        def _result(self, args: list[str]) -> Result:
            if args[1:3] == ["stack", "deploy"]:
                engine.parts["services"] = [service(B, state="completed", replicas=1, release=B)]
                engine.parts["tasks"] = [task(1, B), task(2, B)]
            return Result()

    def look(looked_at: Node) -> str:
        if looked_at.id == "id2":
            engine.parts["tasks"] = [task(1, B), task(2, B, desired="remove")]
        return "no answer" if looked_at.id == "id2" else ""

    run = ScalingRunner(engine)
    roll(swarm_of(engine, run), tmp_path, look)
    assert len(run.lines) == 1
    with pytest.raises(FleetError, match="does not serve on every node"):
        roll(swarm_of(engine, run), tmp_path, lambda _: "no answer")
