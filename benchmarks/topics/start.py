"""From `docker container run` to the first 200.

The handbook's image and ours, each run by the same plain command; what `invoke run-prod` adds to that is in the topic
of the tasks' overhead.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.approaches import OURS, TWO_STAGE, Approach, workshop
from benchmarks.harness import Bench, Case, Measure
from benchmarks.network import free_port
from docktasks.containers.run_args import remove_args


def cases(bench: Bench) -> Iterator[Case]:
    """One: to start, and to be there."""
    with workshop(bench, bench.engine, bench.settings, bench.name) as shop:

        def start(approach: Approach) -> Measure:
            bench.output(shop.build_args(approach))

            def once() -> float:
                port = free_port()
                args = shop.run_args(approach)
                args[args.index("--publish") + 1] = f"127.0.0.1:{port}:80"
                try:
                    return bench.until_served(args, f"http://127.0.0.1:{port}/")
                finally:
                    bench(remove_args(args[args.index("--name") + 1]))

            return once

        yield Case("start to first 200", {"handbook": start(TWO_STAGE), "ours": start(OURS)}, baseline="handbook")
