from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import charts
from benchmarks.harness import Bench, Case
from tests.unit.benchmarks.samples import of_size, of_size_with_two_metrics, race, topic_data


@pytest.mark.parametrize(
    "cases",
    [
        (race(),),
        (of_size(10), of_size(100)),
        (of_size(10), of_size_with_two_metrics(10), of_size(100), of_size_with_two_metrics(100)),
    ],
    ids=["bars", "growth", "two series"],
)
def test_charts_are_drawn_for_light_and_dark(tmp_path: Path, a_bench: Bench, cases: tuple[Case, ...]) -> None:
    """They are PNG and SVG files. The same figures give the same files, so a document changes only with figures."""
    data = topic_data(a_bench, *cases)
    drawn = charts.draw("race", data, tmp_path)
    names = ["race-dark.png", "race-dark.svg", "race.png", "race.svg"]
    assert sorted(path.name for path in drawn) == names
    before = {path: path.read_bytes() for path in drawn}
    charts.draw("race", data, tmp_path)
    assert {path: path.read_bytes() for path in drawn} == before
