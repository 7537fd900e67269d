"""The tasks' own overhead.

What the tasks cost over the bare commands that they run. Commands are timed by hyperfine where it is installed, one run
at a turn: it would take all turns of the one before those of the other, and a slow spell of the machine hit one alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import hyperfine
from benchmarks.harness import INVOKE, Bench, Case, Goal
from benchmarks.network import free_port
from docktasks.containers.run_args import remove_args

LISTING = Goal("at most 1.15 times an empty collection's", against="bare", most=1.15)


def cases(bench: Bench) -> Iterator[Case]:
    """To list the tasks, to build what is built, and to run it."""
    if not hyperfine.installed():
        bench.skip("hyperfine", f"which times the commands, not installed ({hyperfine.HOW}); timed by Python's clock")
    with tempfile.TemporaryDirectory() as empty:
        Path(empty, "tasks.py").write_text("from invoke import task\n\n\n@task\ndef nothing(c):\n    pass\n")
        listing = {
            "bare": lambda: bench.seconds([*INVOKE, "--search-root", empty, "--list"]),
            "ours": lambda: bench.seconds([*INVOKE, "--list"]),
        }
        yield Case("invoke --list, beside an empty collection", listing, baseline="bare", goals=(LISTING,))

    build = [*INVOKE, "build-prod"]
    bare = _echoed(bench.output(build), "docker image build --tag hd-")
    building = {"bare": lambda: bench.seconds(bare), "ours": lambda: bench.seconds(build)}
    yield Case("build-prod, nothing changed", building, baseline="bare")

    name, port = f"{bench.name}-bare", free_port()
    plain = ["docker", "container", "run", "--detach", "--name", name, "--publish", f"127.0.0.1:{port}:80"]

    def bare_run() -> float:
        try:
            return bench.until_served([*plain, f"{bench.name}:prod"], f"http://127.0.0.1:{port}/")
        finally:
            bench(remove_args(name))

    def our_run() -> float:
        bench.output([*INVOKE, "stop"])
        return bench.until_served([*INVOKE, "run-prod"], f"http://127.0.0.1:{bench.host_port}/")

    running = {"bare": bare_run, "ours": our_run}
    yield Case("run-prod on a built image, to the first 200", running, baseline="bare")


def _echoed(printed: str, beginning: str) -> list[str]:
    """A command that a task showed."""
    return next(line[2:].split() for line in printed.splitlines() if line.startswith(f"$ {beginning}"))
