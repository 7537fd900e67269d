from __future__ import annotations

import pytest

from docktasks.verify.report.charts import layer_bars, waterfall
from tests.unit.fakes.reports import LAYERS, TIMINGS, URL, timing


def test_waterfall_has_a_bar_for_each_request() -> None:
    """A bar starts with its request. The site's own files are named by path, and failed requests are marked."""
    chart = waterfall(TIMINGS[::-1], URL)
    assert chart is not None
    by_name = {request.name: request for request in chart.requests}
    assert set(by_name) == {"/", "/gone.svg", "https://else.example/x.js", "/assets/index-1.js"}
    assert (by_name["/assets/index-1.js"].bar.start, by_name["/assets/index-1.js"].bar.width) == (25.0, 50.0)
    assert {request.name: request.timing.status for request in chart.requests if request.timing.failed} == {
        "https://else.example/x.js": 0,
        "/gone.svg": 404,
    }
    assert chart.requests[0].name == "/"
    assert chart.ticks == ((0.0, "0"), (50.0, "20"), (100.0, "40"))
    assert chart.duration == 40


@pytest.mark.parametrize("end", [0.0, 0.3, 7, 99.9, 1234, 90_000])
def test_waterfall_has_few_and_round_ticks(end: float) -> None:
    """The number of ticks does not depend on how long the page took."""
    chart = waterfall([timing(f"{URL}/", end=end)], URL)
    assert chart is not None
    assert 2 <= len(chart.ticks) <= 4
    assert all(0 <= position <= 100 for position, _ in chart.ticks)
    assert all(len(label.rstrip("0").replace("0.", "")) <= 2 for _, label in chart.ticks)


def test_layer_starts_where_the_one_below_it_ends() -> None:
    """Only our layers name their largest files."""
    bars = layer_bars(LAYERS)
    assert [(bar.layer.ours, bar.bar.start, bar.bar.width) for bar in bars] == [
        (False, 0.0, 98.55),
        (True, 98.55, 1.45),
    ]
    assert bars[1].files == (("/b", "900 B"), ("/a", "5 B"))
    assert bars[1].more == 1
    assert layer_bars([]) == []
