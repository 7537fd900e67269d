"""A run of checks as a terminal shows it: a line a check, the evidence and the fix where one failed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from io import TextIOWrapper

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from docktasks.verify.registry import Check, Verdict
from docktasks.verify.report.run import Group, VerifyRun, escaped, truncated

SHOWN = 5
"""Faults of one check that are shown; the JSON has all."""
OUTCOMES = {"pass": "passed", "fail": "failed", "skip": "skipped"}
COLORS = {"pass": "green", "fail": "bold red", "skip": ""}  # what is read on dark and on light ground


def console() -> Console:
    """The terminal, or whatever stdout is; one that cannot show a sign shows its escape."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return Console()


def summary(judged: VerifyRun) -> str:
    """One line: how many passed, failed, were skipped, and in how many seconds."""
    counts = ", ".join(f"{judged.count()[outcome]} {word}" for outcome, word in OUTCOMES.items())
    return f"{counts} in {judged.seconds:.1f} s"


def show(judged: VerifyRun, console: Console) -> None:
    """Print the groups, each check in one line, what failed with its evidence and its fix, and the summary."""
    console.print(Text.assemble("verify ", (escaped(judged.name), "bold")))
    width = max((len(verdict.check.id) for verdict in judged.verdicts), default=0)
    for group in judged.groups:
        _show_group(group, console, width)
    failed = judged.count()["fail"]
    console.print(Text(summary(judged), COLORS["fail" if failed else "pass"]))


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
            line = Text.assemble("  ", ("✓", COLORS["pass"]), f" {verdict.check.id:{width}}  ", verdict.check.asserts)
            console.print(line, no_wrap=True, overflow="ellipsis")
        elif verdict.outcome == "fail":
            _show_failure(verdict, console)
    for reason, skipped in skips:
        ids = ", ".join(verdict.check.id for verdict in skipped)
        console.print(Padding(Text(f"- {_checks(skipped)} skipped: {reason} ({ids})"), (0, 0, 0, 2)))


def _checks(found: Sequence[Verdict]) -> str:
    return "1 check" if len(found) == 1 else f"{len(found)} checks"


def _show_failure(verdict: Verdict, console: Console) -> None:
    check = verdict.check
    console.print(Text.assemble("  ", (f"✗ {check.id} FAILS", COLORS["fail"]), f" ({check.severity})"))
    for lead, text in _explained(verdict):
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row(lead, Text(text))
        console.print(Padding(table, (0, 0, 0, 4)))


def _explained(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """What it asserts, the first faults, and the fix, each with the sign that it begins with."""
    yield " ", verdict.check.asserts
    yield from (("·", line) for line in truncated(verdict, SHOWN))
    yield "→", verdict.check.fix


def show_checks(checks: Sequence[Check]) -> None:
    """Print what could be judged: one row a check."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("check", "severity", "needs"):
        table.add_column(title, no_wrap=True)
    table.add_column("asserts", overflow="fold")
    for each in checks:
        table.add_row(each.id, each.severity, each.needs, Text(each.asserts))
    console().print(table)
