from __future__ import annotations

from benchmarks import markdown
from benchmarks.harness import Bench
from tests.unit.benchmarks.samples import GOALS, of_size, race, topic_data


def test_document_shows_everything_that_was_measured(a_bench: Bench) -> None:
    """It has the machine, the goals, a table and a chart for each topic, slopes, and the skipped contestants."""
    topic = topic_data(a_bench, race(goals=GOALS), of_size(10), of_size(100))
    data = {"machine": {"cores": "2"}, "topics": {"race": topic}}
    text = markdown.write(data, "## What it taught\n", "pictures")
    for line in (
        "| cores | 2 |",
        "| half | race | 0.50 | ≤ 0.5 | met |",
        "| twice | race | 0.50 | ≥ 2 | **missed** |",
        "## What it taught",
        "## A race",
        "Who is first?",
        "| ours | 1.5 s ± 3.5 | 0.50 |",
        "| 100 | ours | 10 s | 10.00 |",
        "- time over modules, slope: handbook 0.00, ours 1.00",
        "Left out: Caddy, not installed (apt-get install caddy).",
    ):
        assert line in text.splitlines(), line
    assert 'srcset="pictures/bench-race-dark.svg"' in text


def test_document_shows_no_chart_of_a_quick_run(a_bench: Bench) -> None:
    """The figures of a quick run mean nothing."""
    a_bench.quick = True
    data = {"machine": {}, "topics": {"race": topic_data(a_bench, race())}}
    text = markdown.write(data, "", "pictures")
    assert "A quick run" in text
    assert "<picture>" not in text
