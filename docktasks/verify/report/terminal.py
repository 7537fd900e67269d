"""A run of checks in the terminal: one line for each check, and the evidence and fix of each failure."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import TextIOWrapper

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from docktasks.verify.registry import Check, Verdict
from docktasks.verify.report.run import Group, VerifyRun, escaped, truncated

MAX_FAULTS = 5
"""How many faults of one check are shown; the JSON has all."""
OUTCOMES = {"pass": "passed", "fail": "failed", "skip": "skipped"}
COLORS = {"pass": "green", "fail": "bold red", "skip": ""}  # readable on dark and on light ground


def console() -> Console:
    """The terminal, or the file that stdout is. A character that it cannot show is written as an escape."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return Console()


def summary(verify_run: VerifyRun) -> str:
    """One line: how many checks passed, failed and were skipped, and in how many seconds."""
    count = verify_run.count()
    counts = ", ".join(f"{count[outcome]} {word}" for outcome, word in OUTCOMES.items())
    return f"{counts} in {verify_run.seconds:.1f} s"


def show(verify_run: VerifyRun, console: Console, *, quiet: bool = False) -> None:
    """Print the checks by group, the evidence and fix of each failure, and the summary; if `quiet`, no other check."""
    shown = replace(
        verify_run, verdicts=tuple(verdict for verdict in verify_run.verdicts if verdict.outcome == "fail" or not quiet)
    )
    console.print(Text.assemble("verify ", (escaped(verify_run.name), "bold")))
    width = max((len(verdict.check.id) for verdict in verify_run.verdicts), default=0)
    for group in shown.groups:
        _show_group(group, console, width)
    console.print(Text(summary(verify_run), COLORS["fail" if verify_run.count()["fail"] else "pass"]))


def _show_group(group: Group, console: Console, width: int) -> None:
    skips = list(group.skips())
    if len(skips) == 1 and group.count("skip") == len(group.verdicts):
        reason, skipped = skips[0]
        console.print(Text.assemble((group.name, "bold"), f": {_checks(skipped)} skipped: {reason}"))
        return
    counts = ", ".join(f"{group.count(outcome)} {word}" for outcome, word in OUTCOMES.items() if group.count(outcome))
    console.print(Text.assemble((group.name, "bold"), f": {counts}"))
    for verdict in group.verdicts:
        if verdict.outcome == "pass":
            line = Text.assemble("  ", ("✓", COLORS["pass"]), f" {verdict.check.id:{width}}  ", verdict.check.summary)
            console.print(line, no_wrap=True, overflow="ellipsis")
            for note in verdict.notes:
                console.print(Padding(Text(escaped(note)), (0, 0, 0, 4)))
        elif verdict.outcome == "fail":
            _show_failure(verdict, console)
    for reason, skipped in skips:
        ids = ", ".join(verdict.check.id for verdict in skipped)
        console.print(Padding(Text(f"- {_checks(skipped)} skipped: {reason} ({ids})"), (0, 0, 0, 2)))


def _checks(verdicts: Sequence[Verdict]) -> str:
    return "1 check" if len(verdicts) == 1 else f"{len(verdicts)} checks"


def _show_failure(verdict: Verdict, console: Console) -> None:
    check = verdict.check
    console.print(Text.assemble("  ", (f"✗ {check.id} FAILS", COLORS["fail"]), f" ({check.severity})"))
    for sign, text in _failure_lines(verdict):
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row(sign, Text(text))
        console.print(Padding(table, (0, 0, 0, 4)))


def _failure_lines(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """The check's summary, the first faults and the fix, each with the sign in front of it."""
    yield " ", verdict.check.summary
    yield from (("·", line) for line in (*truncated(verdict, MAX_FAULTS), *map(escaped, verdict.notes)))
    yield "→", verdict.check.fix


def show_checks(checks: Sequence[Check]) -> None:
    """Print a table of checks."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("check", "severity", "needs"):
        table.add_column(title, no_wrap=True)
    table.add_column("passes if", overflow="fold")
    for check in checks:
        table.add_row(check.id, check.severity, check.needs, Text(check.summary))
    console().print(table)
