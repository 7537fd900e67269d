"""A run of checks, for a person (a table) and for a machine (JSON)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from docktasks.checks import Verdict

MARKS = {"pass": "[green]✓ pass[/]", "fail": "[bold red]✗ FAIL[/]", "skip": "[yellow]- skip[/]"}
SHOWN = 5
"""Faults of one check that the table shows; the JSON has all."""


def summary(verdicts: Sequence[Verdict]) -> str:
    """One line: how many passed, failed, were skipped, and in how many seconds."""
    count = Counter(verdict.outcome for verdict in verdicts)
    seconds = sum(verdict.seconds for verdict in verdicts)
    return f"{count['pass']} passed, {count['fail']} failed, {count['skip']} skipped in {seconds:.1f} s"


def show(verdicts: Sequence[Verdict], subject: str, console: Console) -> None:
    """Print the table: one row a check, the evidence and the fix where it failed."""
    table = Table(title=f"verify {subject}", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("verdict", no_wrap=True)
    table.add_column("check", no_wrap=True)
    table.add_column("asserts", overflow="fold")
    for verdict in verdicts:
        text = verdict.check.asserts
        if verdict.outcome != "pass":
            shown = [f"· {line}" for line in verdict.evidence[:SHOWN]]
            more = len(verdict.evidence) - SHOWN
            text = "\n".join([text, *shown, *([f"· and {more} more (--json has all)"] if more > 0 else [])])
        if verdict.outcome == "fail":
            text += f"\n→ {verdict.check.fix}"
        table.add_row(MARKS[verdict.outcome], verdict.check.id, Text(text))
    console.print(table)
    console.print(summary(verdicts))


def as_json(verdicts: Sequence[Verdict], subject: str) -> dict[str, Any]:
    """The run as plain data: `subject`, `summary`, and one object a check with its verdict and all its evidence."""
    return {
        "subject": subject,
        "summary": dict(Counter(verdict.outcome for verdict in verdicts)),
        "checks": [
            {
                "id": verdict.check.id,
                "severity": verdict.check.severity,
                "asserts": verdict.check.asserts,
                "verdict": verdict.outcome,
                "evidence": list(verdict.evidence),
                "fix": verdict.check.fix,
                "seconds": round(verdict.seconds, 3),
            }
            for verdict in verdicts
        ],
    }
