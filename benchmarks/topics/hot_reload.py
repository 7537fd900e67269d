"""Editing, until the edit is there.

Vite on the host, `invoke dev`, the handbook's container with the source mounted, and `docker compose watch`. Each
serves a copy of this app, and of a synthetic app with 2,000 components.

- Cold start: until the first page is served, with nothing installed but npm's earlier downloads.
- Warm start: the same with everything installed, after the edits. No other dev server runs meanwhile. `invoke dev`
  returns when the page is served, and is measured until then.
- Script: until the page's script and the first package that it imports are served. Vite bundles that package again
  where it has lost the earlier bundle.
- Saved to served: from a save until the changed module, requested again and again, has the new text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import synthetic_apps
from benchmarks.dev_servers import dev_servers
from benchmarks.edit_latency import EditToServed
from benchmarks.harness import SECONDS, Bench, Case, Goal, Metric

COMPONENTS = 2_000
MAX_COLD_ROUNDS = 3
EDIT_FACTOR = 3
"""An edit is measured this many times as often as the others: it is short, and its figures spread."""

EDIT = (Metric("edit", "ms"),)
START = (SECONDS, Metric("script", "s"))
EDIT_GOAL = Goal("an edit takes at most 1.1 times as long as on the host", "edit", against="host", most=1.1)
WARM_GOAL = Goal("a warm start takes at most 1.3 times as long as on the host", against="host", most=1.3)


def cases(bench: Bench) -> Iterator[Case]:
    """The app of this checkout, and the large one."""
    yield from _app_cases(bench, "this app", synthetic_apps.HELLO_DOCK)
    if not bench.quick:
        yield from _app_cases(bench, f"{COMPONENTS:,} components", synthetic_apps.of_components(COMPONENTS))


def _app_cases(bench: Bench, name: str, app: synthetic_apps.EditableApp) -> Iterator[Case]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        servers = dict(dev_servers(bench, app, folder, stack))
        cold_starts = {contestant: server.cold_start for contestant, server in servers.items()}
        cold_rounds = min(bench.rounds, MAX_COLD_ROUNDS)
        yield Case(f"{name}, cold start", cold_starts, baseline="host", rounds=cold_rounds, warm=False)
        for server in servers.values():
            server.serve()
        edits = {contestant: EditToServed(server) for contestant, server in servers.items()}
        edit_rounds = EDIT_FACTOR * bench.rounds
        yield Case(f"{name}, saved to served", edits, EDIT, "host", edit_rounds, goals=(EDIT_GOAL,))
        if bench.quick:
            return
        for server in servers.values():
            server.stop()
        warm_starts = {contestant: server.warm_start for contestant, server in servers.items()}
        yield Case(f"{name}, warm start", warm_starts, START, "host", goals=(WARM_GOAL,))
