from __future__ import annotations

import re
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


def test_figure_does_not_touch_the_error_bar(tmp_path: Path, a_bench: Bench) -> None:
    """A line that ends at a figure looks like a minus, in a picture as well as in its text."""
    data = topic_data(a_bench, race())
    metric = data["cases"][0]["metrics"][0]
    for value in metric["values"].values():
        value["spread"] = value["median"]
    charts.draw("race", data, tmp_path)
    picture = (tmp_path / "race.svg").read_text()
    bars = picture.partition('id="LineCollection_1"')[2].partition("</g>\n   </g>")[0]
    bar_ends = [float(x) for x in re.findall(r"L ([\d.]+) [\d.]+", bars)]
    lines = re.findall(r'<text [^>]*?x="([\d.]+)"[^>]*>([^<]*)</text>', picture)
    figures = [float(x) for x, text in lines if re.fullmatch(r"[\d.,]+ \w+", text)]
    assert len(figures) == len(metric["values"]) == len(bar_ends)
    assert all(figure >= end + charts.LABEL_DISTANCE - 1 for figure, end in zip(figures, bar_ends, strict=True))
    assert not [text for _, text in lines if text.strip().startswith(("-", "\N{MINUS SIGN}", "\N{EN DASH}"))]
