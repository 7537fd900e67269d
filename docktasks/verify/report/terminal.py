"""A run of checks in the terminal: a line for each check; of a failure what was found, what is right, and the fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from docktasks.output import BOLD, BOLD_RED, GREEN, Screen, counted
from docktasks.verify.registry import Check, Verdict
from docktasks.verify.report.run import Group, VerifyRun, escaped, shortened, truncated

MAX_FAULTS = 5
"""How many faults of one check are shown; the JSON has all."""
SIGNS = {"pass": "  ✓ ", "fail": "  ✗ ", "advice": "  ! "}
STYLES = {"pass": GREEN, "fail": BOLD_RED, "advice": BOLD}  # readable on dark and on light ground


def show(verify_run: VerifyRun, screen: Screen, *, quiet: bool = False) -> None:
    """Print the checks by group, and the summary; if `quiet`, no check but those that keep the run from passing."""
    bad_outcomes = ("fail", "skip") if verify_run.strict else ("fail",)
    shown = tuple(verdict for verdict in verify_run.verdicts if not quiet or verdict.outcome in bad_outcomes)
    if not quiet:
        screen.print("verify ", escaped(verify_run.subject.name), style=BOLD)
    for group in replace(verify_run, verdicts=shown).sections:
        _show_group(group, screen)
    if verify_run.left_out and not quiet:
        groups = ", ".join(dict.fromkeys(check.group for check in verify_run.left_out))
        count, reason = counted(len(verify_run.left_out), "check"), verify_run.left_out_reason
        screen.print("", groups, f": {count} left out: {reason}", style=BOLD)
    screen.print("", verify_run.summary, style=STYLES["pass" if verify_run.passed else "fail"])


def _show_group(group: Group, screen: Screen) -> None:
    screen.print("", group.name, f": {group.counts}", style=BOLD)
    for verdict in group.verdicts:
        if verdict.outcome == "pass":
            text = f"{verdict.check.id}: {verdict.check.summary}"
            screen.print(SIGNS["pass"], text, start_style=STYLES["pass"])
            for note in verdict.notes:
                screen.print("    ", escaped(note))
        elif verdict.outcome != "skip":
            _show_fault(verdict, screen)
    for reason, skipped in group.skips():
        ids = ", ".join(verdict.check.id for verdict in skipped)
        screen.print("  - ", f"{counted(len(skipped), 'check')} skipped: {reason} ({ids})")


def _show_fault(verdict: Verdict, screen: Screen) -> None:
    check, faults, style = verdict.check, truncated(verdict, MAX_FAULTS), STYLES[verdict.outcome]
    title = f"{check.id} FAILS" if verdict.outcome == "fail" else check.id
    finding = f" ({verdict.severity}): {shortened(verdict.finding)}"
    screen.print(SIGNS[verdict.outcome], title, finding, style=style, start_style=style)
    for line in (*(faults if len(verdict.evidence) > 1 else ()), *map(escaped, verdict.notes)):
        screen.print("    · ", line)
    screen.print("    Right: ", check.summary)
    screen.print("    → ", check.fix)


def show_checks(checks: Sequence[Check]) -> None:
    """Print the id and the severity of each check, and what is right."""
    screen = Screen.of_stdout()
    for check in checks:
        screen.print("", check.id, f" ({check.severity}): {check.summary}", style=BOLD)
