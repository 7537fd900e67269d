from __future__ import annotations

import pytest
from rich.console import Console

from benchmarks import harness, tables
from benchmarks.harness import Case, Metric
from tests.unit.benchmarks.samples import race


def test_table_shows_median_spread_and_ratio() -> None:
    """Each contestant has a row."""
    console = Console(width=100, record=True)
    tables.print_case(harness.measure(race(), 3), console)
    text = console.export_text()
    assert "1.5 s ± 3.5, 0.50x" in next(line for line in text.splitlines() if line.startswith("ours"))


@pytest.mark.parametrize(("width", "count"), [(120, 1), (80, 2), (50, 4)])
def test_table_that_is_too_wide_is_split(width: int, count: int) -> None:
    """No figure is cut off or wrapped."""
    metrics = tuple(Metric(f"metric {number}", "MB") for number in range(4))
    case = Case("8 clients", {"ours": lambda: (1.5, 2.5, 3.5, 4.5)}, metrics, "ours", warm=False)
    console = Console(width=width, record=True)
    tables.print_case(harness.measure(case, 1), console)
    lines = console.export_text().splitlines()
    assert len([line for line in lines if line.startswith("8 clients")]) == count
    assert [line.count(" MB, 1.00x") for line in lines if line.startswith("ours")] == [4 // count] * count
