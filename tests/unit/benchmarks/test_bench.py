from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import bench
from benchmarks.bench import BenchOptions
from benchmarks.harness import Bench
from docktasks.errors import BenchError
from docktasks.progress import Progress
from docktasks.settings import Settings
from tests.unit.benchmarks.samples import race, topic_data
from tests.unit.fakes.runner import Runner


@pytest.mark.parametrize(
    "options",
    [
        BenchOptions(["nonsense"]),
        BenchOptions(rounds="0"),
        BenchOptions(rounds="many"),
        BenchOptions(rounds="1e9"),
        BenchOptions(quick=True, docs=True),
    ],
)
def test_wrong_option_is_refused_before_anything_is_measured(settings: Settings, options: BenchOptions) -> None:
    """A wrong topic or number of rounds raises one error, and so does a page of figures that mean nothing."""
    with pytest.raises(BenchError):
        bench.bench(Runner(), settings, Progress(), options)


def test_topics_are_measured_in_the_order_of_the_catalogue() -> None:
    """The order in which topics are named does not matter."""
    assert BenchOptions(["serving", "build"]).chosen_topics() == ["build", "serving"]


def test_quick_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """It does not overwrite the results of a full run, unless --out names their folder."""
    assert BenchOptions().folder(tmp_path) == tmp_path / ".cache/bench"
    assert BenchOptions(quick=True).folder(tmp_path) == tmp_path / ".cache/bench-quick"
    assert BenchOptions(quick=True, out="here").folder(tmp_path) == Path("here")


def test_quick_run_says_that_its_figures_mean_nothing(
    tmp_path: Path, a_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full run says nothing of the kind."""
    monkeypatch.setattr(bench, "find_spec", lambda _name: None)
    for quick in (True, False):
        console = Console(width=80, record=True)
        bench.report({"topics": {"race": topic_data(a_bench, race())}}, tmp_path, BenchOptions(quick=quick), console)
        assert ("Its figures mean nothing." in console.export_text()) is quick


def test_report_says_how_to_install_matplotlib(tmp_path: Path, a_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without matplotlib the charts are left out, and the document cannot be written."""
    monkeypatch.setattr(bench, "find_spec", lambda _name: None)
    console = Console(width=200, record=True)
    data = {"topics": {"race": topic_data(a_bench, race())}}
    bench.report(data, tmp_path, BenchOptions(), console)
    assert "requirements-bench.lock" in console.export_text()
    with pytest.raises(BenchError, match="matplotlib is not installed"):
        bench.report(data, tmp_path, BenchOptions(docs=True), console)
