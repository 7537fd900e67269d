"""From `docker container run` to the first 200.

The handbook's image and ours, each run by the same command. What `invoke run-prod` adds to that is in the topic of the
tasks' overhead.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.build_variants import OURS, TWO_STAGE, BuildSandbox, Variant, build_sandbox
from benchmarks.harness import Bench, Case, Measure
from benchmarks.network import free_port
from docktasks.containers.run_args import remove_args


def cases(bench: Bench) -> Iterator[Case]:
    """One case."""
    with build_sandbox(bench, bench.engine, bench.settings, bench.name) as sandbox:
        contestants = bench.contestants({"handbook": TWO_STAGE, "ours": OURS})
        measures = {name: _measure(bench, sandbox, variant) for name, variant in contestants.items()}
        yield Case("start to first 200", measures, baseline="handbook")


def _measure(bench: Bench, sandbox: BuildSandbox, variant: Variant) -> Measure:
    """Build a variant's image. Returns a function that measures a start of it."""
    bench.output(sandbox.build_args(variant))

    def measure() -> float:
        port = free_port()
        try:
            return bench.until_served(
                sandbox.run_args(variant, publish=f"127.0.0.1:{port}"), f"http://127.0.0.1:{port}/"
            )
        finally:
            bench(remove_args(sandbox.container_name(variant)))

    return measure
