"""The tasks' own overhead.

What the tasks cost in addition to the docker commands that they run.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import INVOKE, Bench, Case, Goal
from benchmarks.network import free_port
from docktasks.containers.run_args import remove_args

EMPTY_COLLECTION = "from invoke import task\n\n\n@task\ndef nothing(c):\n    pass\n"
LISTING_GOAL = Goal("at most 1.15 times an empty collection's time", against="bare", most=1.15)

BUILD_GOAL = Goal("at most 1.5 times a bare build", against="bare", most=1.5)

UNCHANGED_GOAL = Goal("at most 1.5 times a bare look at the container", against="bare", most=1.5)


def cases(bench: Bench) -> Iterator[Case]:
    """List the tasks, build what is built, and run it."""
    yield from _listing_case(bench)
    yield _build_case(bench)
    yield _run_case(bench)
    yield _unchanged_case(bench)


def _listing_case(bench: Bench) -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tasks.py").write_text(EMPTY_COLLECTION)
        measures = {
            "bare": lambda: bench.seconds([*INVOKE, "--search-root", folder, "--list"]),
            "ours": lambda: bench.seconds([*INVOKE, "--list"]),
        }
        name = "invoke --list, next to an empty collection"
        yield Case(name, measures, baseline="bare", goals=(LISTING_GOAL,))


def _build_case(bench: Bench) -> Case:
    task = [*INVOKE, "build-prod"]
    printed = bench.output([*INVOKE, "--echo", "build-prod"])
    command = _echoed_command(printed, "docker image build --tag hd-")
    measures = {"bare": lambda: bench.seconds(command), "ours": lambda: bench.seconds(task)}
    return Case("build-prod, nothing changed", measures, baseline="bare", goals=(BUILD_GOAL,))


def _run_case(bench: Bench) -> Case:
    name, port = f"{bench.name}-bare", free_port()
    run = ["docker", "container", "run", "--detach", "--name", name, "--publish", f"127.0.0.1:{port}:80"]

    def measure_bare() -> float:
        try:
            return bench.until_served([*run, f"{bench.name}:prod"], f"http://127.0.0.1:{port}/")
        finally:
            bench(remove_args(name))

    def measure_ours() -> float:
        bench.output([*INVOKE, "stop"])
        return bench.until_served([*INVOKE, "run-prod"], f"http://127.0.0.1:{bench.host_port}/")

    measures = {"bare": measure_bare, "ours": measure_ours}
    return Case("run-prod on a built image, to the first 200", measures, baseline="bare")


def _unchanged_case(bench: Bench) -> Case:
    """Look at what serves, by Docker and by the task, which finds that there is nothing to do."""
    inspect, task = ["docker", "container", "inspect", f"{bench.name}-prod"], [*INVOKE, "run-prod", "--no-build"]
    bench.output(task)
    measures = {"bare": lambda: bench.seconds(inspect), "ours": lambda: bench.seconds(task)}
    return Case("run-prod --no-build, nothing to do", measures, baseline="bare", goals=(UNCHANGED_GOAL,))


def _echoed_command(printed: str, beginning: str) -> list[str]:
    """The words of the command that a task echoed, one flag a line, and that begins with this text."""
    lines = printed.replace(" \\\n    ", " ").splitlines()
    return shlex.split(next(line for line in lines if line.startswith(beginning)))
