"""A run of checks, for a person (a table) and for a machine (JSON)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from docktasks.checks import Check, Verdict
from docktasks.checks.subject import Subject
from docktasks.errors import VerifyError

MARKS = {"pass": "[green]✓ pass[/]", "fail": "[bold red]✗ FAIL[/]", "skip": "[yellow]- skip[/]"}
SHOWN = 5
"""Faults of one check that the table shows; the JSON has all."""


@dataclass(frozen=True)
class Judged:
    """A run of checks: what was judged, the verdicts, and the seconds it took in all."""

    subject: Subject
    verdicts: tuple[Verdict, ...]
    seconds: float

    @property
    def name(self) -> str:
        """What was judged, in a word: the address, or the image."""
        return self.subject.name


def summary(judged: Judged) -> str:
    """One line: how many passed, failed, were skipped, and in how many seconds."""
    count = Counter(verdict.outcome for verdict in judged.verdicts)
    return f"{count['pass']} passed, {count['fail']} failed, {count['skip']} skipped in {judged.seconds:.1f} s"


def show(judged: Judged, console: Console) -> None:
    """Print the table: one row a check, the evidence and the fix where it failed."""
    table = Table(title=f"verify {judged.name}", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("verdict", no_wrap=True)
    table.add_column("check", no_wrap=True)
    table.add_column("asserts", overflow="fold")
    for verdict in judged.verdicts:
        text = verdict.check.asserts
        if verdict.outcome != "pass":
            shown = [f"· {line}" for line in verdict.evidence[:SHOWN]]
            more = len(verdict.evidence) - SHOWN
            text = "\n".join([text, *shown, *([f"· and {more} more (--json has all)"] if more > 0 else [])])
        if verdict.outcome == "fail":
            text += f"\n→ {verdict.check.fix}"
        table.add_row(MARKS[verdict.outcome], verdict.check.id, Text(text))
    console.print(table)
    console.print(summary(judged))


def show_checks(checks: Sequence[Check]) -> None:
    """Print what could be judged: one row a check."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("check", "severity", "needs"):
        table.add_column(title, no_wrap=True)
    table.add_column("asserts", overflow="fold")
    for each in checks:
        table.add_row(each.id, each.severity, each.needs, Text(each.asserts))
    Console().print(table)


def as_json(judged: Judged) -> dict[str, Any]:
    """The run as plain data: `subject`, `summary`, and one object a check with its verdict and all its evidence."""
    return {
        "subject": judged.name,
        "summary": dict(Counter(verdict.outcome for verdict in judged.verdicts)),
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
            for verdict in judged.verdicts
        ],
    }


FORMS: dict[str, Callable[[Judged], str]] = {
    "json": lambda judged: json.dumps(as_json(judged), indent=2) + "\n",
}
"""How a run is written to a file, by the flag that names the file."""


def write(judged: Judged, form: str, path: str) -> None:
    """Write the run in one of FORMS. Raises VerifyError when the file cannot be written."""
    text = FORMS[form](judged)
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise VerifyError(
            f"{path} cannot be written: {error.strerror}.", f"--{form} names the file for the verdicts.", "Name another"
        ) from error
