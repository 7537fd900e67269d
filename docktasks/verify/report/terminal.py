"""A run of checks in the terminal: a line for each check; of a failure what was found, what is right, and the fix."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from docktasks.output import BOLD, BOLD_RED, GREEN, Screen, counted
from docktasks.verify.registry import Check, Verdict
from docktasks.verify.report.run import Group, VerifyRun, escaped, shortened, truncated

MAX_FAULTS = 5
"""How many faults of one check are shown; the JSON has all."""
GITHUB = "GITHUB_ACTIONS"
"""The variable that is `true` where GitHub runs a command: https://docs.github.com/en/actions/reference/workflows-and-actions/variables."""
SIGNS = {"pass": "  ✓ ", "fail": "  ✗ ", "advice": "  ! "}
STYLES = {"pass": GREEN, "fail": BOLD_RED, "advice": BOLD}  # readable on dark and on light ground


def show(verify_run: VerifyRun, screen: Screen | None = None, *, quiet: bool = False) -> None:
    """Print the checks by group, and the summary; if `quiet`, no check but those that keep the run from passing.

    Where GitHub runs the task, annotations follow, which it shows with the run and with a pull request.
    """
    screen = screen or Screen.of_stdout()
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
    if os.environ.get(GITHUB) == "true":
        screen.file.writelines(f"{line}\n" for line in _annotations(verify_run))


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


def _annotations(verify_run: VerifyRun) -> Iterator[str]:
    """Yield commands of GitHub: an error for each failed check, a warning for advice, an error for skips that count.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
    """
    for verdict in verify_run.verdicts:
        check, kind = verdict.check, {"fail": "error", "advice": "warning"}.get(verdict.outcome)
        if kind:
            faults = [escaped(verdict.finding), *truncated(verdict, MAX_FAULTS)[1:]]
            title = f"{check.id} ({verdict.severity})"
            yield _command(kind, title, *faults, f"Right: {check.summary}", f"Fix: {check.fix}")
    skipped = verify_run.ids("skip")
    if verify_run.strict and skipped:
        yield _command("error", "skipped, which --strict counts as failed", ", ".join(skipped))


def _command(kind: str, title: str, *text: str) -> str:
    """Return the command that shows a text of several lines. Only a title has its colons and commas encoded."""
    codes = {"%": "%25", "\r": "%0D", "\n": "%0A"}
    data = "".join(codes.get(letter, letter) for letter in "\n".join(text))
    codes |= {":": "%3A", ",": "%2C"}
    return f"::{kind} title={''.join(codes.get(letter, letter) for letter in title)}::{data}"
