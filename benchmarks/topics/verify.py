"""Verifying.

`invoke verify` of the app, and of a generated site of 5,000 files (19 MB) that our image serves: all checks but the
browser's, those of HTTP alone, and those that a release has to pass before it serves. A time is that of the whole
command; memory is what it had at the most, Python and all that it imports included.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import generated, verifying
from benchmarks.harness import INVOKE, Bench, Case, Goal, Metric

FILES = 5_000
WHOLE = "without the browser"
APP_GOALS = (Goal("verify takes at most 5 s", ours=WHOLE, most=5),)
FILES_GOALS = (
    Goal("verify takes at most 30 s", ours=WHOLE, most=30),
    Goal("verify takes at most 200 MB", "memory", ours=WHOLE, most=200),
)


def cases(bench: Bench) -> Iterator[Case]:
    """The app, and the many files."""
    yield from _case(bench, "the app", "", APP_GOALS)
    if bench.quick:
        return
    with TemporaryDirectory() as folder:
        generated.write_files(Path(folder, "app"), FILES)
        yield from _case(bench, f"{FILES:,} files", str(Path(folder, "app")), FILES_GOALS)


def _case(bench: Bench, name: str, app: str, goals: tuple[Goal, ...]) -> Iterator[Case]:
    env = {"INVOKE_APP_DIR": app} if app else {}
    known = verifying.without_browser()
    choices = {
        WHOLE: known,
        "HTTP alone": [each for each in known if each.group == "http"],
        "before a swap": [each for each in known if each.needs == "url" and each.severity == "critical"],
    }
    with ExitStack() as left:
        left.callback(bench.output, [*INVOKE, "clean"], **env)
        bench.output([*INVOKE, "run-prod"], **env)
        measures = {
            who: lambda chosen=chosen: (*verifying.measured(bench, chosen, **env), len(chosen))
            for who, chosen in list(choices.items())[-1 if bench.quick else 0 :]
        }
        yield Case(
            name,
            measures,
            (*verifying.METRICS, Metric("checks", "")),
            rounds=min(bench.rounds, 3),
            warm=False,
            goals=goals,
        )
