"""Verifying.

`invoke verify` of the app, and of a synthetic site of 5,000 files (19 MB) that our image serves. It runs all checks
without the browser's, only those of HTTP, or those of HTTP that are critical. A release has to pass these before it
serves, there with fewer requests. Time is that of the whole command; memory is its peak, including Python and all that
it imports.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import synthetic_apps, verify_cost
from benchmarks.harness import INVOKE, Bench, Case, Goal, Measure, Metric
from docktasks.verify.registry import Check

FILES = 5_000
MAX_ROUNDS = 3
WITHOUT_BROWSER = "without the browser"
METRICS = (*verify_cost.METRICS, Metric("checks", ""))
APP_GOALS = (Goal("verify takes at most 1 s", ours=WITHOUT_BROWSER, most=1),)
FILES_GOALS = (
    Goal("verify takes at most 8 s", ours=WITHOUT_BROWSER, most=8),
    Goal("verify uses at most 150 MB", "memory", ours=WITHOUT_BROWSER, most=150),
)


def cases(bench: Bench) -> Iterator[Case]:
    """The app, and the many files."""
    yield from _app_case(bench, "the app", {}, APP_GOALS)
    if bench.quick:
        return
    with TemporaryDirectory() as folder:
        app = Path(folder, "app")
        synthetic_apps.write_files(app, FILES)
        yield from _app_case(bench, f"{FILES:,} files", {"INVOKE_APP_DIR": str(app)}, FILES_GOALS)


def _app_case(bench: Bench, name: str, environ: dict[str, str], goals: tuple[Goal, ...]) -> Iterator[Case]:
    """The case of an app, which environment variables for the tasks name."""
    selections = _selections()
    if bench.quick:
        selections = dict(list(selections.items())[-1:])
    with ExitStack() as stack:
        stack.callback(bench.output, [*INVOKE, "clean"], **environ)
        bench.output([*INVOKE, "run-prod"], **environ)
        measures = {title: _measure(bench, checks, environ) for title, checks in selections.items()}
        yield Case(name, measures, METRICS, rounds=min(bench.rounds, MAX_ROUNDS), warm=False, goals=goals)


def _selections() -> dict[str, list[Check]]:
    """The selections of checks that are compared, by title."""
    checks = verify_cost.checks_without_browser()
    return {
        WITHOUT_BROWSER: checks,
        "HTTP only": [check for check in checks if check.group == "http"],
        "critical, HTTP": [check for check in checks if check.needs == "url" and check.severity == "critical"],
    }


def _measure(bench: Bench, checks: list[Check], environ: dict[str, str]) -> Measure:
    return lambda: (*verify_cost.measure(bench, checks, **environ), len(checks))
