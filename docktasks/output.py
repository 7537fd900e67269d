"""Print tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from docktasks.command_names import spelled
from docktasks.progress import print_notices


@dataclass(frozen=True)
class Table:
    """Rows to print under titles, then notes and warnings. `empty` is printed instead when there are no rows."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()


def print_table(table: Table) -> None:
    """Print the rows of a table, or the line for a table without rows, and its warnings."""
    if not table.rows:
        print(spelled(table.empty))
        return
    from rich import table as rich_table
    from rich.console import Console

    columns = rich_table.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title, *cells in zip(table.titles, *table.rows, strict=True):
        # A cut address or id is useless. On a narrow terminal the line is too long instead.
        columns.add_column(title, no_wrap=True, min_width=max(map(len, cells)))
    for row in table.rows:
        columns.add_row(*row)
    Console().print(columns, crop=False)
    print(*table.notes, sep="\n", end="\n" if table.notes else "")
    print_notices(table.warnings)
