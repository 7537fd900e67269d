"""Bytes of the first load.

What a browser gets for the page and all that it names, bodies as they are on the wire. Counted, not timed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks import load, peers
from benchmarks.approaches import OURS, TWO_STAGE, Approach, workshop
from benchmarks.harness import Bench, Case, Goal, Measure, Metric

BYTES = Metric("first load", "B")
THIRD = Goal("at most a third of the handbook's bytes", BYTES.name, against="handbook", most=1 / 3)


def cases(bench: Bench) -> Iterator[Case]:
    """One: the app."""
    with workshop(bench, bench.engine, bench.settings, bench.name) as shop, ExitStack() as left:

        def counted(approach: Approach) -> Measure:
            bench.output(shop.build_args(approach))
            url = left.enter_context(peers.published(bench, shop, approach))
            return lambda: float(load.first_load(url)[0])

        sides = {"handbook": counted(TWO_STAGE), "ours": counted(OURS)}
        yield Case("app", sides, (BYTES,), baseline="handbook", rounds=1, warm=False, goals=(THIRD,))
