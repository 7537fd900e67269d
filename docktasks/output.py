"""Print tables, sizes, and texts with colours. Without a library, because the smallest one for this has 14 MB."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from docktasks.command_names import spelled
from docktasks.progress import print_notices, wants_colours

BOLD, GREEN, BOLD_RED = "1", "32", "1;31"
"""Styles of a text: https://en.wikipedia.org/wiki/ANSI_escape_code#SGR."""

SIZE_STEP, UNITS = 1000, ("kB", "MB", "GB", "TB")


def counted(count: int, noun: str) -> str:
    """Return a number of things as a text such as 1 file, or 2,000 files."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def decimal(size: float) -> str:
    """Return a number of bytes as a text such as 17.9 MB."""
    if size < SIZE_STEP:
        return counted(round(size), "byte")
    power = next((power for power in range(1, len(UNITS)) if size < SIZE_STEP ** (power + 1)), len(UNITS))
    return f"{size / SIZE_STEP**power:,.1f} {UNITS[power - 1]}"


@dataclass(frozen=True)
class Screen:
    """What texts are printed on: `width` is that of a terminal, 0 for a pipe, whose lines are not wrapped."""

    file: TextIO
    width: int = 0
    has_colours: bool = False

    @classmethod
    def of_stdout(cls) -> Screen:
        """Return the terminal or the pipe that stdout is."""
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        return cls(sys.stdout, width, wants_colours(os.environ, sys.stdout))

    def styled(self, text: str, style: str) -> str:
        """Return a text in a style, where there are colours."""
        return f"\x1b[{style}m{text}\x1b[0m" if text and style and self.has_colours else text

    def print(self, start: str, head: str, rest: str = "", *, style: str = "", start_style: str = "") -> None:
        """Print a text with its `head` in a style, after its start. Its further lines begin below the first."""
        width = self.width - len(start) if self.width else 0
        lines = textwrap.wrap(head + rest, max(width, 20), break_on_hyphens=False) if width else [head + rest]
        for line in lines or [""]:
            count = min(len(head), len(line))
            text = self.styled(line[:count], style) + line[count:]
            self.file.write(f"{self.styled(start, start_style)}{text}\n")
            head, start = head[count:].lstrip(), " " * len(start)


@dataclass(frozen=True)
class Table:
    """Rows to print under titles, then notes and warnings. `empty` is printed instead when there are no rows."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()


def print_table(table: Table) -> None:
    """Print the rows of a table, or the line for a table without rows, and its warnings.

    A cut address or id is useless. On a narrow terminal the line is too long instead.
    """
    if not table.rows:
        print(spelled(table.empty))
        return
    widths = [max(map(len, cells)) for cells in zip(table.titles, *table.rows, strict=True)]
    lines = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in (table.titles, *table.rows)]
    print(Screen.of_stdout().styled(lines[0], BOLD), *lines[1:], *map(spelled, table.notes), sep="\n")
    print_notices(table.warnings)
