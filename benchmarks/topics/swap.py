"""Replacing a running release.

Eight clients (benchmarks/visitors.py) load the page again and again while the release is replaced. Lost: their requests
that failed. Time: how long the replacement took. Drain: the part of it in which the old release finished the requests
that it had. Memory: the most that all containers of the contestant had together.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from benchmarks import servers
from benchmarks.harness import INVOKE, SECONDS, Bench, Case, Goal, Metric
from benchmarks.network import free_port
from benchmarks.visitors import Visitors
from docktasks.containers.run_args import remove_args
from docktasks.errors import BenchError

LOST, DRAIN, MEMORY = Metric("lost", ""), Metric("drain", "s"), Metric("memory", "MB")
GOALS = (
    Goal("no request is lost", LOST.name, most=0),
    Goal("a replacement, gate included, takes at most 1.5 s", most=1.5),
    Goal("the port holder and both releases stay under 16 MB", MEMORY.name, most=16),
)
MEMORY_INTERVAL_S = 0.1
FIRST = -1
"""The number of the first start, which replaces nothing."""

DRAINED = re.compile(r"([\d.]+) s  .*\b(?:has answered|drained)\b")
"""The progress line of `invoke run-prod` that says how long the old release drained."""

COMPOSE = """
name: {name}-compose
services:
  web:
    image: {name}:prod
    container_name: {name}-compose
    labels: ["hello-dock.project={name}"]
    environment: ["ROUND=${{ROUND}}"]
    ports: ["127.0.0.1:{host_port}:80"]
"""


@dataclass(frozen=True)
class ReplaceStrategy:
    """A way to replace a release.

    `containers` is what its containers' names begin with. `replace` starts or replaces the release, and returns what
    the command printed; its argument is the number of the replacement, FIRST for the first start. With `drains`, the
    command prints how long the old release drained.
    """

    containers: str
    host_port: int
    replace: Callable[[int], str]
    drains: bool = False

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.host_port}"


def cases(bench: Bench) -> Iterator[Case]:
    """One case: all strategies in turn."""
    bench.output([*INVOKE, "build-prod"])
    with ExitStack() as stack:
        measures = {}
        for name, strategy in _strategies(bench, stack):
            strategy.replace(FIRST)
            servers.await_answer(strategy.url, name)
            measures[name] = Replacement(bench, strategy)
        yield Case("8 clients", measures, (SECONDS, LOST, DRAIN, MEMORY), "stop + run", warm=False, goals=GOALS)


def _strategies(bench: Bench, stack: ExitStack) -> Iterator[tuple[str, ReplaceStrategy]]:
    """The handbook's, ours, and compose where it is installed."""
    yield "ours", _run_prod(bench)
    if bench.quick:
        return
    yield "stop + run", _stop_and_run(bench, stack)
    if reason := servers.missing("docker-compose"):
        bench.skip("compose --force-recreate", reason)
    else:
        yield "compose --force-recreate", _compose(bench, stack)


def _stop_and_run(bench: Bench, stack: ExitStack) -> ReplaceStrategy:
    name, port = f"{bench.name}-plain", free_port()
    run = ["docker", "container", "run", "--detach", "--name", name, "--label", f"hello-dock.project={bench.name}"]
    run += ["--publish", f"127.0.0.1:{port}:80", f"{bench.name}:prod"]

    def replace(number: int) -> str:
        if number != FIRST:
            bench.output(["docker", "container", "stop", name])
            bench.output(["docker", "container", "rm", name])
        return bench.output(run)

    stack.callback(bench, remove_args(name))
    return ReplaceStrategy(name, port, replace)


def _run_prod(bench: Bench) -> ReplaceStrategy:
    def replace(number: int) -> str:
        return bench.output([*INVOKE, "run-prod", "--no-build", f"--env=APP_ROUND={number}"])

    return ReplaceStrategy(f"{bench.name}-prod", bench.host_port, replace, drains=True)


def _compose(bench: Bench, stack: ExitStack) -> ReplaceStrategy:
    folder, port = stack.enter_context(tempfile.TemporaryDirectory()), free_port()
    Path(folder, "compose.yaml").write_text(COMPOSE.format(name=bench.name, host_port=port))
    compose = ["docker", "compose", "--project-directory", folder]

    def replace(number: int) -> str:
        return bench.output([*compose, "up", "--detach", "--force-recreate"], ROUND=str(number))

    stack.callback(bench.output, [*compose, "down"], ROUND="")
    return ReplaceStrategy(f"{bench.name}-compose", port, replace)


class Replacement:
    """Replaces a release under load, and measures what that costs."""

    def __init__(self, bench: Bench, strategy: ReplaceStrategy) -> None:
        self.bench, self.strategy, self.number = bench, strategy, 0

    def __call__(self) -> tuple[float, ...]:
        """Replace it once. Returns a value for each metric."""
        self.number += 1
        with Visitors(self.strategy.url, report=False) as visitors, self._memory_peak() as peak:
            start = time.perf_counter()
            printed = self.strategy.replace(self.number)
            servers.await_answer(self.strategy.url, self.strategy.containers)
            seconds = time.perf_counter() - start
        return seconds, len(visitors.failures), self._drain_seconds(printed), peak[0] / 1e6

    def _drain_seconds(self, printed: str) -> float:
        match = DRAINED.search(printed)
        if self.strategy.drains and match is None:
            raise BenchError("`invoke run-prod` printed no drain time.", "", "Correct the pattern DRAINED", printed)
        return float(match.group(1)) if match else 0

    @contextmanager
    def _memory_peak(self) -> Iterator[list[float]]:
        """Watch the memory of the strategy's containers. The one element of the list is their peak in bytes."""
        ended, peak = Event(), [0.0]

        def watch() -> None:
            while not ended.wait(MEMORY_INTERVAL_S):
                peak[0] = max(peak[0], self._memory_bytes())

        thread = Thread(target=watch)
        thread.start()
        try:
            yield peak
        finally:
            ended.set()
            thread.join()
            peak[0] = max(peak[0], self._memory_bytes())

    def _memory_bytes(self) -> float:
        engine, names = self.bench.engine, {"name": f"^/{self.strategy.containers}"}
        total = 0.0
        for container in engine.client.containers.list(filters=names, sparse=True):
            with suppress(Exception):  # a container that has gone since the list was made has no memory
                total += servers.memory_bytes(engine, container.id)
        return total
