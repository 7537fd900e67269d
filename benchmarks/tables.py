"""Tables of measured cases on the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks import results
from benchmarks.harness import Measured, Metric

UNLIMITED_WIDTH = 10_000


def print_case(measured: Measured, console: Console) -> None:
    """Print a row for each contestant: each median, and its ratio to the baseline's.

    A terminal that is too narrow for all metrics gets several tables.
    """
    metrics = measured.case.metrics
    for parts in range(1, len(metrics) + 1):
        columns = math.ceil(len(metrics) / parts)
        tables = [_table(measured, metrics[first : first + columns]) for first in range(0, len(metrics), columns)]
        if all(_width(table, console) <= console.width for table in tables):
            break
    console.print(*tables, sep="\n")


def _width(table: Table, console: Console) -> int:
    """The width of a table when no cell is wrapped."""
    return console.measure(table, options=console.options.update(max_width=UNLIMITED_WIDTH)).maximum


def _table(measured: Measured, metrics: Sequence[Metric]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(results.case_title(measured.case.name, measured.case.size), min_width=30)
    for metric in metrics:
        table.add_column(metric.name, justify="right", no_wrap=True)
    for contestant in measured.case.contestants:
        table.add_row(contestant, *(_cell(measured, metric, contestant) for metric in metrics))
    return table


def _cell(measured: Measured, metric: Metric, contestant: str) -> str:
    value, ratio = measured.values[metric.name][contestant], measured.ratio(metric.name, contestant)
    median = results.formatted(value.median, metric.unit) + results.formatted_spread(value.spread)
    return median if ratio is None else f"{median}, {ratio:.2f}x"
