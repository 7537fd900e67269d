"""The result lines that several tasks print."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docktasks.app.project import Project
    from docktasks.housekeeping.status import Table
    from docktasks.release.build import Build
    from docktasks.release.deploy import Deployment


def print_notices(notices: Sequence[str]) -> None:
    """Print what the user should know, one line each."""
    for notice in notices:
        print(f"! {notice}")


def print_build(build: Build, name: str, notices: tuple[str, ...] = ()) -> None:
    """Print the notices about an image, more notices, and its size; under --dry it has none."""
    from rich.filesize import decimal

    print_notices((*build.notices, *notices))
    if build.image.size:
        added = f", {decimal(build.added_size)} over its base image" if build.added_size else ""
        print(f"{name}: {decimal(build.image.size)}{added}")


def print_deployment(project: Project, deployment: Deployment, name: str) -> None:
    """Print the result of a release: its notices, its size, and where it serves."""
    print_build(deployment.build, name, deployment.notices)
    if not project.dry:
        print(f"{'Serving already' if deployment.unchanged else 'Serving'}: {deployment.url}")


def print_table(table: Table) -> None:
    """Print the rows of a table, or the line for a table without rows, and its warnings."""
    if not table.rows:
        print(table.empty)
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
    print_notices(table.warnings)


def open_browser(url: str) -> None:
    """Open an address in the user's browser; no address, as under --dry, opens nothing."""
    if url:
        webbrowser.open(url)
