"""Growth.

The same for generated apps, larger and larger: a build after an edit, what the image adds to its base, and the memory
of the container after two seconds of load; then of ours alone, how long `invoke verify` takes without the browser and
the most memory it has, an edit from its save until the changed module is served, and the dev container's memory. The
slope says how a figure grows with the app: 1 in proportion, 0 not at all; the first sizes, where what is always there
weighs most, flatten it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import devservers, editing, generated, load, peers, verifying
from benchmarks.approaches import OURS, TWO_STAGE, Approach, Workshop, workshop
from benchmarks.harness import INVOKE, Bench, Case, Goal, Measure, Metric

MODULES = (10, 100, 1_000, 5_000)
FILES = (100, 1_000, 10_000)
METRICS = (Metric("build", "s"), Metric("over base", "MB"), Metric("memory", "MB"))
LIVED = (Metric("verify", "s"), Metric("verify memory", "MB"), Metric("edit", "ms"), Metric("dev memory", "MB"))
SMALL = Goal("container memory under 16 MB", "memory", most=16)


def cases(bench: Bench) -> Iterator[Case]:
    """A series of apps by their modules, and one by their files."""
    modules, files = (MODULES, FILES) if not bench.quick else (MODULES[:1], ())
    for size in modules:
        yield from _case(bench, "modules", size, size, 0)
    for size in files:
        yield from _case(bench, "files in dist", size, 10, size)


def _case(bench: Bench, series: str, size: int, modules: int, files: int) -> Iterator[Case]:
    with ExitStack() as left:
        app = Path(left.enter_context(TemporaryDirectory()), "app")
        generated.write_modules(app, modules, files)
        settings = replace(bench.settings, app=replace(bench.settings.app, dir=str(app), dist="dist"))
        shop = left.enter_context(workshop(bench, bench.engine, settings, bench.name))
        sides = {"handbook": _measure(bench, shop, TWO_STAGE), "ours": _measure(bench, shop, OURS)}
        yield Case(series, sides, METRICS, "handbook", min(bench.rounds, 3), size=size, goals=(SMALL,))

    if bench.quick:  # hot_reload and verify measure the same
        return
    with ExitStack() as left:
        measures = {"ours": _live(bench, generated.of_modules(modules, files), left)}
        yield Case(f"{series}, verified and edited", measures, LIVED, rounds=min(bench.rounds, 3), size=size)


def _live(bench: Bench, app: generated.App, left: ExitStack) -> Measure:
    """Ours with an app, in production and in development: what both take."""
    way = devservers.Shop(bench, app, Path(left.enter_context(TemporaryDirectory())), left).ours()
    env = {"INVOKE_APP_DIR": str(way.folder)}
    bench.output([*INVOKE, "run-prod"], **env)
    way.serve()
    served = editing.Served(way)
    chosen = [each for each in verifying.without_browser() if each.needs != "dev"]

    def once() -> tuple[float, ...]:
        took, most, _ = verifying.measured(bench, chosen, **env)
        return took, most, served(), peers.memory(bench.engine, f"{bench.name}-dev") / 1e6

    return once


def _measure(bench: Bench, shop: Workshop, approach: Approach) -> Measure:
    def once() -> tuple[float, ...]:
        shop.edit_source()
        took = bench.seconds(shop.build_args(approach))
        made, base = bench.engine.image(shop.tag(approach)), bench.engine.image(shop.nginx)
        added = made.size - base.size if made and base else 0
        with peers.published(bench, shop, approach) as url:
            if load.installed():
                load.burst(f"{url}/", 1 if bench.quick else 2)
            container = bench.engine.container_publishing(int(url.rpartition(":")[2]))
            memory = peers.memory(bench.engine, container.name) if container else 0
        return took, added / 1e6, memory / 1e6

    return once
