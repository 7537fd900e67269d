from __future__ import annotations

import re

from rich.console import Console

from benchmarks import compare_page
from benchmarks.build_variants import VARIANTS
from benchmarks.comparison import BASELINE, IMAGE_SIZE, Comparison, Figure
from benchmarks.harness import SECONDS, Case, Measured, Metric, Value
from benchmarks.topics.first_load import BYTES

NAMES = [variant.name for variant in VARIANTS]
RATE = Metric("requests", "/s", more_is_better=True)


def figure(title: str, metric: Metric, *samples: tuple[float, ...]) -> Figure:
    """A figure with the samples of each variant."""
    values = {name: Value(taken) for name, taken in zip(NAMES, samples, strict=True)}
    case = Case(title, {}, (metric,), BASELINE)
    return Figure(title, "as measured", Measured(case, {metric.name: values}))


CONTENTS = [
    {"node": "26.1.0", "npm packages": "177", "runs as": "uid 0 (root)"},
    {"node": "none", "npm packages": "none", "runs as": "uid 0 (root)"},
    {"node": "none", "npm packages": "none", "runs as": "uid 101"},
]
COMPARISON = Comparison(
    (
        figure("Image", IMAGE_SIZE, (342.4,), (17.8,), (17.9,)),
        figure("Build, cold", SECONDS, (6.9,), (6.1,), (4.6,)),
        figure("Build after an edit", SECONDS, (0.9,), (0.9, 5.0, 1.0), (0.8,)),
        figure("First load", BYTES, (100_400,), (100_400,), (35_300,)),
        figure("Requests a second", RATE, (2100,), (1900,), (2850,)),
    ),
    dict(zip(NAMES, CONTENTS, strict=True)),
    "node:lts-alpine",
    "nginx:stable-alpine",
    ("wrk is <not> installed",),
)


def test_page_loads_nothing_else_and_escapes_texts() -> None:
    """It has no script, no file and no address. A name or a notice is text, not HTML."""
    html = compare_page.page(COMPARISON, "<b>shop</b>")
    assert not re.search(r"<script|<link|@import|url\(|src=|https?:", html)
    assert "&lt;b&gt;shop&lt;/b&gt;" in html
    assert "wrk is &lt;not&gt; installed" in html


def test_page_shows_the_ratio_of_ours_to_the_handbooks_two_stages() -> None:
    """A bar is as long as the median. Only a better ratio is marked as better."""
    html = compare_page.page(COMPARISON, "shop")
    assert re.findall(r'class="ratio( better)?"[^>]*>([\d.]+)\W', html) == [
        ("", "1.01"), (" better", "0.75"), (" better", "0.80"), (" better", "0.35"), (" better", "1.50"),
    ]  # fmt: skip
    assert '<rect width="5.2%"' in html


def test_terminal_shows_the_same_figures_contents_and_notices() -> None:
    """Every figure of every variant is printed."""
    console = Console(width=100, record=True)
    compare_page.print_comparison(COMPARISON, console)
    text = console.export_text()
    for word in ("342 MB", "17.9 MB", "0.8 s", "35.3 kB", "2,850/s", "uid 0 (root)", "uid 101", "<not> installed"):
        assert word in text, word
    assert text.count("█" * compare_page.BAR_COLUMNS) == 6  # the longest bars; two variants load the same bytes
