from __future__ import annotations

import pytest

from benchmarks import harness
from benchmarks.harness import Bench, Case, Measured, Skipped, Value
from docktasks.errors import BenchError
from tests.unit.benchmarks.samples import RATE, Scripted, log_of, race, topic_of


def test_contestants_take_turns_after_a_warm_up_that_does_not_count() -> None:
    """The order is A B A B, so a slow moment of the machine affects all contestants."""
    case = race()
    measured = harness.measure(case, 3)
    assert log_of(case) == ["bare", "ours"] * 4
    assert measured.values["time"]["bare"] == Value((2, 4, 3))
    assert measured.values["time"]["ours"] == Value((1, 1.5, 8))


def test_measured_case_gives_median_ratio_and_spread() -> None:
    """One slow round changes neither the median nor its ratio."""
    measured = harness.measure(race(), 3)
    assert measured.ratio("time", "ours") == 0.5
    assert measured.values["time"]["bare"].spread == 1.0
    assert Value((3,)).spread == 0
    assert harness.measure(Case("alone", {"ours": lambda: 1.0}), 1).ratio("time", "ours") is None


def test_ratio_is_none_when_the_baseline_is_zero() -> None:
    """A division by zero has no result."""
    case = Case("one", {"ours": lambda: 0.0}, baseline="ours", warm=False)
    assert Measured(case, {"time": {"ours": Value((0.0,))}}).ratio("time", "ours") is None


def test_quick_run_measures_each_contestant_once() -> None:
    """A quick run has no warm-up, and ignores the rounds of the case."""
    case = race(rounds=3)
    harness.measure(case, 5, quick=True)
    assert log_of(case) == ["bare", "ours"]


def test_measurement_with_several_metrics_keeps_their_samples_apart() -> None:
    """A contestant returns a value for each metric."""
    case = Case("both", {"ours": Scripted("ours", [], (1.0, 10.0), (3.0, 30.0))}, (harness.SECONDS, RATE), warm=False)
    assert harness.measure(case, 2).values["requests"]["ours"].median == 20


def test_topic_is_closed_when_a_measurement_fails(a_bench: Bench) -> None:
    """The topic removes what it set up, and the error is raised."""

    def fail() -> float:
        raise BenchError("no", "", "")

    log: list[str] = []
    with pytest.raises(BenchError):
        list(harness.run(topic_of(Case("bad", {"ours": fail}), Case("never", {}), log=log), a_bench))
    assert log == ["closed"]


def test_failed_command_ends_the_measurement(a_bench: Bench) -> None:
    """A failed command has no figure; the error shows what it printed."""
    with pytest.raises(BenchError, match="failed, so nothing can be measured") as caught:
        a_bench.seconds(["sh", "-c", "echo the reason >&2; exit 3"])
    assert caught.value.evidence == "the reason"


def test_command_that_hangs_ends_the_measurement(a_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error shows what the command printed until then, and how long it had."""
    monkeypatch.setattr(harness, "COMMAND_TIMEOUT_S", 0.5)
    with pytest.raises(BenchError, match="nothing can be measured") as caught:
        a_bench.output(["sh", "-c", "echo so far; exec sleep 60"])
    assert caught.value.evidence == "so far\nIt did not end in 0.5 s."


def test_command_is_timed_by_the_clock(a_bench: Bench) -> None:
    """The time covers the whole command."""
    assert 0.05 < a_bench.seconds(["sleep", "0.05"]) < harness.COMMAND_TIMEOUT_S


def test_command_gets_the_project_of_the_bench(a_bench: Bench) -> None:
    """Tasks work under the name of the bench, with the variables of the caller."""
    printed = a_bench.output(["sh", "-c", "echo $INVOKE_APP_NAME $ROUND"], ROUND="7")
    assert printed == "hd-test 7\n"


def test_contestant_skipped_twice_is_recorded_once(a_bench: Bench) -> None:
    """A topic may skip a contestant for each of its apps."""
    for _ in range(2):
        a_bench.skip("compose watch", "not installed")
    assert a_bench.skipped == [Skipped("compose watch", "not installed")]
