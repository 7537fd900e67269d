"""Editing, until the edit is there.

Vite on the host, `invoke dev`, the handbook's container with the source mounted, and `docker compose watch`, each
with a copy of this app, and of a generated one of 2,000 components. Cold: from nothing installed (but what npm has
downloaded) to the first page; warm: the same with everything installed, after the edits. Nobody else's dev server
runs meanwhile. `invoke dev` returns when the first page was served, and is measured until then. Script: until the
page's script is there, too, and the first package that it imports, which Vite bundles anew where it has lost what
it had. Served: from a save until the changed module, asked for over and over, has the new text. Pixel: from a save
until the frame after the one in which Chromium shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import devservers, editing, generated
from benchmarks.harness import SECONDS, Bench, Case, Goal, Metric
from docktasks.verify.probes import chromium_path

COMPONENTS = 2_000
TIMES = 3
"""An edit is measured so many times as often as anything else: it is short, and its figures spread."""
GOAL = Goal("at most 1.1 times what it takes on the host", "edit", against="host", most=1.1)
EDIT = (Metric("edit", "ms"),)
START = (SECONDS, Metric("script", "s"))


def cases(bench: Bench) -> Iterator[Case]:
    """The app of this checkout, and the large one."""
    yield from _cases(bench, "this app", generated.THIS)
    if not bench.quick:
        yield from _cases(bench, f"{COMPONENTS:,} components", generated.of_components(COMPONENTS))


def _cases(bench: Bench, name: str, app: generated.App) -> Iterator[Case]:
    with ExitStack() as left:
        folder = Path(left.enter_context(TemporaryDirectory()))
        ways = dict(devservers.ways(bench, app, folder, left))
        cold = {who: way.cold for who, way in ways.items()}
        yield Case(f"{name}, cold start", cold, baseline="host", rounds=min(bench.rounds, 3), warm=False)
        for way in ways.values():
            way.serve()
        yield from _edits(bench, name, ways)
        if not bench.quick:
            for way in ways.values():
                way.stop()
            yield Case(f"{name}, warm start", {who: way.warm for who, way in ways.items()}, START, "host")


def _edits(bench: Bench, name: str, ways: dict[str, editing.Way]) -> Iterator[Case]:
    served = {who: editing.Served(way) for who, way in ways.items()}
    often = TIMES * bench.rounds
    yield Case(f"{name}, saved to served", served, EDIT, "host", often, goals=(GOAL,))
    executable = chromium_path.find_chromium(bench.settings.browser.executable)
    if not executable:
        bench.skip("saved to pixel", "there is no Chromium (invoke setup --browser)")
        return
    from benchmarks import pixels  # playwright is loaded where there is a browser for it

    with pixels.pages(executable, ways) as pages:
        yield Case(f"{name}, saved to pixel", pages, EDIT, "host", often, goals=(GOAL,))
