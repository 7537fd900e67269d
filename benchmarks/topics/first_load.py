"""Bytes of the first load.

What a browser gets for the page and all that it names, bodies as they are on the wire, of this app and of the one that
the handbook's chapter has: create-vite's Vue template. Counted, not timed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import generated, load, peers
from benchmarks.approaches import OURS, TWO_STAGE, Approach, workshop
from benchmarks.harness import Bench, Case, Goal, Measure, Metric
from docktasks.settings import Settings

BYTES = Metric("first load", "B")
THIRD = Goal("at most a third of the handbook's bytes", BYTES.name, against="handbook", most=1 / 3)


def cases(bench: Bench) -> Iterator[Case]:
    """One an app."""
    yield from _case(bench, "this app", bench.settings, ())
    if bench.quick:
        return
    if why := peers.missing("npm"):
        bench.skip("the handbook's app", why)
        return
    with TemporaryDirectory() as folder:
        app = generated.create(bench, Path(folder), "vue")
        settings = replace(bench.settings, app=replace(bench.settings.app, dir=str(app), dist="dist"))
        yield from _case(bench, "the handbook's app", settings, (THIRD,))


def _case(bench: Bench, name: str, settings: Settings, goals: tuple[Goal, ...]) -> Iterator[Case]:
    with workshop(bench, bench.engine, settings, bench.name) as shop, ExitStack() as left:

        def counted(approach: Approach) -> Measure:
            bench.output(shop.build_args(approach))
            url = left.enter_context(peers.published(bench, shop, approach))
            return lambda: float(load.first_load(url)[0])

        sides = {"handbook": counted(TWO_STAGE), "ours": counted(OURS)}
        yield Case(name, sides, (BYTES,), baseline="handbook", rounds=1, warm=False, goals=goals)
