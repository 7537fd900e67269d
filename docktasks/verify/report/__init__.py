"""A run of checks as a person reads it (a table, an HTML page) and as a machine does (JSON, JUnit XML)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from docktasks.errors import VerifyError
from docktasks.verify.report.run import VerifyRun as Judged
from docktasks.verify.report.terminal import console as console
from docktasks.verify.report.terminal import show as show
from docktasks.verify.report.terminal import show_checks as show_checks
from docktasks.verify.report.terminal import summary as summary

FORMS = ("json", "junit", "html")
"""How a run is written to a file, by the flag that names the file: each a module as_<form>, with a `render`."""


def render(judged: Judged, form: str) -> str:
    """The run in one of FORMS; what a form needs is loaded for that form alone."""
    rendered: Callable[[Judged], str] = import_module(f"{__name__}.{form}_report").render
    return rendered(judged)


def write(judged: Judged, form: str, path: str) -> None:
    """Write the run in one of FORMS. Raises VerifyError when the file cannot be written."""
    text = render(judged, form)
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise VerifyError(
            f"{path} cannot be written: {error.strerror}.", f"--{form} names the file for the verdicts.", "Name another"
        ) from error
