"""A run of checks as a person reads it (a table, an HTML page) and as a machine does (JSON, JUnit XML)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from docktasks.errors import VerifyError
from docktasks.verify.report import html_report, json_report
from docktasks.verify.report.run import VerifyRun as VerifyRun
from docktasks.verify.report.terminal import show as show
from docktasks.verify.report.terminal import show_checks as show_checks


def show_and_write(verify_run: VerifyRun, reports: Mapping[str, str], *, quiet: bool) -> VerifyRun:
    """Print the run, write each form of report to its path, and return it. Raises VerifyError."""
    show(verify_run, quiet=quiet)
    for form, path in reports.items():
        write(verify_run, form, path)
    return verify_run


def _junit(verify_run: VerifyRun) -> str:
    from docktasks.verify.report import junit_report  # it loads junitparser

    return junit_report.render(verify_run)


Render = Callable[[VerifyRun], str]
REPORTS: dict[str, Render] = {"json": json_report.render, "junit": _junit, "html": html_report.render}
"""The forms of report, by the flag of `verify` that names the file."""


def write(verify_run: VerifyRun, form: str, path: str) -> None:
    """Write the run in one of the REPORTS forms. Raises VerifyError when the file cannot be written."""
    text = REPORTS[form](verify_run)
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise VerifyError(
            f"Cannot write {path}: {error.strerror}.",
            f"--{form} names the file for the verdicts.",
            "Name another file",
        ) from error
