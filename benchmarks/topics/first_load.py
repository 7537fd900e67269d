"""Bytes of the first load.

What a browser receives for the page and the files that it references: the bodies as they are sent. Of this app, and of
the app in the handbook's chapter, which is create-vite's Vue template. Bytes are counted, so one round is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import load, servers, synthetic_apps
from benchmarks.build_variants import OURS, TWO_STAGE, build_sandbox
from benchmarks.harness import Bench, Case, Goal, Measure, Metric
from docktasks.settings import Settings

BYTES = Metric("first load", "B")
CONTESTANTS = {"handbook": TWO_STAGE, "ours": OURS}
GOAL = Goal("at most a third of the handbook's bytes", BYTES.name, against="handbook", most=1 / 3)


def cases(bench: Bench) -> Iterator[Case]:
    """One case for each app."""
    yield from _app_case(bench, "this app", bench.settings, ())
    if bench.quick:
        return
    if reason := servers.missing("npm"):
        bench.skip("the handbook's app", reason)
        return
    with TemporaryDirectory() as folder:
        app = synthetic_apps.create(bench, Path(folder), "vue")
        settings = replace(bench.settings, app=replace(bench.settings.app, dir=str(app), dist="dist"))
        yield from _app_case(bench, "the handbook's app", settings, (GOAL,))


def _app_case(bench: Bench, name: str, settings: Settings, goals: tuple[Goal, ...]) -> Iterator[Case]:
    with build_sandbox(bench, bench.engine, settings, bench.name) as sandbox, ExitStack() as stack:
        urls = {}
        for contestant, variant in CONTESTANTS.items():
            bench.output(sandbox.build_args(variant))
            urls[contestant] = stack.enter_context(servers.published(bench, sandbox, variant))
        yield replace(first_load_case(name, urls, "handbook"), goals=goals)


def first_load_case(name: str, urls: Mapping[str, str], baseline: str) -> Case:
    """The first load of the pages at these addresses, by contestant."""
    measures = {contestant: _measure(url) for contestant, url in urls.items()}
    return Case(name, measures, (BYTES,), baseline, rounds=1, warm=False)


def _measure(url: str) -> Measure:
    return lambda: float(load.first_load(url)[0])
