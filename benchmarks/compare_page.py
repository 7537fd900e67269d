"""What `invoke compare` found, for a person: bars on the terminal, and a page that needs nothing but itself."""

from __future__ import annotations

from pathlib import Path

import jinja2
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.compare import Compared, Row, inside, rows

WIDTH = 32
"""Columns of the longest bar on the terminal."""

OURS = "ours"


def print_bars(compared: Compared, console: Console) -> None:
    """A row of bars for each figure, then what is inside each image."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, width=WIDTH)
    table.add_column(justify="right", no_wrap=True)
    for row in rows(compared):
        table.add_row(Text.assemble((row.title, "bold")))
        most = max(row.of(each) for each in compared.measured)
        for each in compared.measured:
            style = "green" if each.approach.id == OURS else "bright_black"
            bar = "█" * max(1, round(WIDTH * row.of(each) / most))
            table.add_row(f"  {each.approach.name}", Text(bar, style), row.written(row.of(each)))
    console.print(table)
    holds = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    holds.add_column("What is inside")
    for each in compared.measured:
        holds.add_column(each.approach.name, justify="right")
    facts = [inside(each) for each in compared.measured]
    for question in facts[0]:
        holds.add_row(f"  {question}", *(fact[question] for fact in facts))
    console.print(holds)
    for notice in compared.notices:
        console.print(f"! {notice}", highlight=False)


def _figure(compared: Compared, row: Row) -> dict[str, object]:
    """A figure for the page: a bar for each approach, and what ours is to the handbook's better way."""
    values = [row.of(each) for each in compared.measured]
    most = max(values)
    bars = [
        {
            "name": each.approach.name,
            "ours": each.approach.id == OURS,
            "percent": round(100 * value / most, 2),
            "written": row.written(value),
        }
        for each, value in zip(compared.measured, values, strict=True)
    ]
    ratio = values[-1] / values[-2] if values[-2] else 0
    better = ratio > 1 if row.more else ratio < 1
    return {
        "title": row.title,
        "says": row.says,
        "bars": bars,
        "ratio": f"{ratio:.2f}",
        "better": better,
        "more": row.more,
    }


def page(compared: Compared, app: str) -> str:
    """One HTML page with its styles and charts in it."""
    folder = Path(__file__).parent
    loader = jinja2.FileSystemLoader(folder)
    template = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    ).get_template("compare.html.j2")
    facts = [inside(each) for each in compared.measured]
    return template.render(
        app=app,
        compared=compared,
        figures=[_figure(compared, row) for row in rows(compared)],
        questions=[(question, [fact[question] for fact in facts]) for question in facts[0]],
    )
