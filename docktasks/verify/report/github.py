"""A run of checks as annotations of GitHub, which shows them with the run and with a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from docktasks.verify.report.run import VerifyRun, escaped, truncated

VARIABLE = "GITHUB_ACTIONS"
"""The variable that is `true` where GitHub runs a command: https://docs.github.com/en/actions/reference/workflows-and-actions/variables."""

MAX_FAULTS = 5
"""How many faults of one check are shown; the JSON has all."""


def lines(verify_run: VerifyRun) -> Iterator[str]:
    """Yield an error for each failed check, a warning for advice, an error for the skips that --strict counts.

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
