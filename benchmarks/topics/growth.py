"""Growth.

Synthetic apps of different sizes. For the handbook's image and ours: a build after an edit, what the image adds to its
base image, and the container's memory after two seconds of load. For ours only: the time and the peak memory of
`invoke verify` without the browser, the time from a save until the changed module is served, and the dev container's
memory. The slope says how a figure grows with the size: 1 is in proportion, 0 is not at all. The smallest apps flatten
it, because their figures are mostly a fixed cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import dev_servers, edit_latency, load, servers, synthetic_apps, verify_cost
from benchmarks.build_variants import OURS, TWO_STAGE, BuildSandbox, Variant, build_sandbox
from benchmarks.checkout import copy_app
from benchmarks.harness import INVOKE, Bench, Case, Goal, Measure, Metric

MODULES = (10, 100, 1_000, 5_000, 20_000)
FILES = (100, 1_000, 10_000, 50_000)
FEW_MODULES = 10
"""Modules of the apps that grow by files."""

MAX_ROUNDS = 3
LARGE = 20_000
"""An app of this size takes minutes for each build, so it is measured once."""

LOAD_S = 2
METRICS = (Metric("build", "s"), Metric("over base", "MB"), Metric("memory", "MB"))
LIFE_METRICS = (Metric("verify", "s"), Metric("verify memory", "MB"), Metric("edit", "ms"), Metric("dev memory", "MB"))
MEMORY_GOAL = Goal("container memory under 16 MB", "memory", most=16)


def cases(bench: Bench) -> Iterator[Case]:
    """A series of apps by their modules, and one by their files."""
    module_counts, file_counts = (MODULES, FILES) if not bench.quick else (MODULES[:1], ())
    for modules in module_counts:
        yield from _cases_of_size(bench, "modules", modules, modules, 0)
    for files in file_counts:
        yield from _cases_of_size(bench, "files in dist", files, FEW_MODULES, files)


def _cases_of_size(bench: Bench, series: str, size: int, modules: int, files: int) -> Iterator[Case]:
    rounds = min(bench.rounds, 1 if size >= LARGE else MAX_ROUNDS)
    with ExitStack() as stack:
        app = Path(stack.enter_context(TemporaryDirectory()), "app")
        if bench.quick:  # its packages are installed already
            copy_app(app)
        else:
            synthetic_apps.write_modules(app, modules, files)
        settings = replace(bench.settings, app=replace(bench.settings.app, dir=str(app), dist="dist"))
        sandbox = stack.enter_context(build_sandbox(bench, bench.engine, settings, bench.name))
        contestants = bench.contestants({"handbook": TWO_STAGE, "ours": OURS})
        measures = {name: _measure_image(bench, sandbox, variant) for name, variant in contestants.items()}
        yield Case(series, measures, METRICS, "handbook", rounds, size=size, goals=(MEMORY_GOAL,))

    if bench.quick:  # the topics hot_reload and verify run the same code
        return
    with ExitStack() as stack:
        measures = {"ours": _measure_life(bench, synthetic_apps.of_modules(modules, files), stack)}
        yield Case(f"{series}, verified and edited", measures, LIFE_METRICS, rounds=rounds, size=size)


def _measure_life(bench: Bench, app: synthetic_apps.EditableApp, stack: ExitStack) -> Measure:
    """A function that measures LIFE_METRICS of an app, which it starts in production and in development."""
    folder = Path(stack.enter_context(TemporaryDirectory()))
    server = dev_servers.DevServerFactory(bench, app, folder, stack).ours()
    environ = {"INVOKE_APP_DIR": str(server.folder)}
    bench.output([*INVOKE, "run-prod"], **environ)
    server.serve()
    edit_to_served = edit_latency.EditToServed(server)
    checks = verify_cost.checks_without_browser()

    def measure() -> tuple[float, ...]:
        seconds, peak, _ = verify_cost.measure(bench, checks, **environ)
        dev_memory = servers.memory_bytes(bench.engine, f"{bench.name}-dev")
        return seconds, peak, edit_to_served(), dev_memory / 1e6

    return measure


def _measure_image(bench: Bench, sandbox: BuildSandbox, variant: Variant) -> Measure:
    """A function that measures METRICS of a variant's image."""

    def measure() -> tuple[float, ...]:
        sandbox.edit_source()
        seconds = bench.seconds(sandbox.build_args(variant))
        added = bench.image_bytes(sandbox.tag(variant)) - bench.image_bytes(sandbox.nginx)
        with servers.published(bench, sandbox, variant) as url:
            if load.installed():
                load.burst(f"{url}/", load.MIN_BURST_S if bench.quick else LOAD_S)
            memory = servers.published_memory_bytes(bench.engine, url)
        return seconds, added / 1e6, memory / 1e6

    return measure
