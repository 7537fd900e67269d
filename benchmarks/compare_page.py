"""The result of `invoke compare` for people: bars on the terminal, and one HTML page that loads nothing else."""

from __future__ import annotations

from pathlib import Path

import jinja2
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks import results
from benchmarks.build_variants import OURS, VARIANTS
from benchmarks.comparison import Comparison, Figure

BAR_COLUMNS = 32
"""Columns of the longest bar on the terminal."""


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print bars for each figure, then the contents of each image, then the notices."""
    console.print(_bar_table(comparison))
    console.print(_contents_table(comparison))
    for notice in comparison.notices:
        console.print(f"! {notice}", highlight=False)


def _bar_table(comparison: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, width=BAR_COLUMNS)
    table.add_column(justify="right", no_wrap=True)
    for figure in comparison.figures:
        table.add_row(Text(figure.title, "bold"))
        largest = max(figure.medians.values())
        for name, median in figure.medians.items():
            bar = "█" * max(1, round(BAR_COLUMNS * median / largest))
            style = "green" if name == OURS.name else "bright_black"
            table.add_row(f"  {name}", Text(bar, style), results.formatted(median, figure.metric.unit))
    return table


def _contents_table(comparison: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("What is inside")
    for name in comparison.contents:
        table.add_column(name, justify="right")
    for title, texts in _facts(comparison):
        table.add_row(f"  {title}", *texts)
    return table


def _facts(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """The contents of the images: a title, and a text for each variant."""
    contents = list(comparison.contents.values())
    return [(title, [texts[title] for texts in contents]) for title in contents[0]]


def page(comparison: Comparison, app: str) -> str:
    """The HTML page of the app of this name, with its styles and charts in it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("compare.html.j2").render(
        app=app,
        comparison=comparison,
        variants=VARIANTS,
        figures=list(map(_figure_data, comparison.figures)),
        facts=_facts(comparison),
    )


def _figure_data(figure: Figure) -> dict[str, object]:
    """What the template shows of a figure: the bars, and the ratio of ours to the baseline."""
    more_is_better = figure.metric.more_is_better
    ratio = figure.ratio(OURS.name)
    return {
        "title": figure.title,
        "text": figure.text,
        "bars": _bars(figure),
        "ratio": "" if ratio is None else f"{ratio:.2f}",
        "is_better": ratio is not None and (ratio > 1 if more_is_better else ratio < 1),
        "more_is_better": more_is_better,
    }


def _bars(figure: Figure) -> list[dict[str, object]]:
    largest = max(figure.medians.values()) or 1
    return [
        {
            "name": name,
            "is_ours": name == OURS.name,
            "percent": round(100 * median / largest, 2),
            "value": results.formatted(median, figure.metric.unit),
        }
        for name, median in figure.medians.items()
    ]
