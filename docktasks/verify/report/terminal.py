"""A run of checks in the terminal: a line for each check; of a failure what was found, what is right, and the fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from docktasks.verify.registry import Check, Verdict
from docktasks.verify.report.run import Group, VerifyRun, escaped, shortened, truncated

MAX_FAULTS = 5
"""How many faults of one check are shown; the JSON has all."""
SIGNS = {"pass": "  ✓ ", "fail": "  ✗ ", "advice": "  ! "}
COLORS = {"pass": "green", "fail": "bold red", "advice": "bold"}  # readable on dark and on light ground


def _print(console: Console, start: str, *parts: str | tuple[str, str], color: str = "") -> None:
    """Print a text after its start. Only a terminal gets it wrapped, with its further lines below the first."""
    text = Text.assemble(*parts)
    for line in text.wrap(console, console.width - len(start)) if console.is_terminal else [text]:
        console.print(Text.assemble((start, color), line), soft_wrap=True)
        start = " " * len(start)


def show(verify_run: VerifyRun, console: Console | None = None, *, quiet: bool = False) -> None:
    """Print the checks by group, and the summary; if `quiet`, no check but those that keep the run from passing."""
    console = console or Console()
    bad_outcomes = ("fail", "skip") if verify_run.strict else ("fail",)
    shown = tuple(verdict for verdict in verify_run.verdicts if not quiet or verdict.outcome in bad_outcomes)
    if not quiet:
        _print(console, "verify ", (escaped(verify_run.name), "bold"))
    for group in replace(verify_run, verdicts=shown).sections:
        _show_group(group, console)
    if verify_run.left_out and not quiet:
        groups = ", ".join(dict.fromkeys(check.group for check in verify_run.left_out))
        count, reason = _checks(verify_run.left_out), verify_run.left_out_reason
        _print(console, "", (groups, "bold"), f": {count} left out: {reason}")
    _print(console, "", (verify_run.summary, COLORS["pass" if verify_run.passed else "fail"]))


def _show_group(group: Group, console: Console) -> None:
    _print(console, "", (group.name, "bold"), f": {group.counts}")
    for verdict in group.verdicts:
        if verdict.outcome == "pass":
            _print(console, SIGNS["pass"], f"{verdict.check.id}: {verdict.check.summary}", color=COLORS["pass"])
            for note in verdict.notes:
                _print(console, "    ", escaped(note))
        elif verdict.outcome != "skip":
            _show_fault(verdict, console)
    for reason, skipped in group.skips():
        ids = ", ".join(verdict.check.id for verdict in skipped)
        _print(console, "  - ", f"{_checks(skipped)} skipped: {reason} ({ids})")


def _checks(checks: Sequence[object]) -> str:
    return "1 check" if len(checks) == 1 else f"{len(checks)} checks"


def _show_fault(verdict: Verdict, console: Console) -> None:
    check, faults, color = verdict.check, truncated(verdict, MAX_FAULTS), COLORS[verdict.outcome]
    title = (f"{check.id} FAILS" if verdict.outcome == "fail" else check.id, color)
    found = f" ({verdict.severity}): {shortened(verdict.finding)}"
    _print(console, SIGNS[verdict.outcome], title, found, color=color)
    for line in (*(faults if len(verdict.evidence) > 1 else ()), *map(escaped, verdict.notes)):
        _print(console, "    · ", line)
    _print(console, "    Right: ", check.summary)
    _print(console, "    → ", check.fix)


def show_checks(checks: Sequence[Check]) -> None:
    """Print the id and the severity of each check, and what is right."""
    for check in checks:
        _print(Console(), "", (check.id, "bold"), f" ({check.severity}): {check.summary}")
