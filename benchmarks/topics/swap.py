"""Replacing a running release.

Eight clients load the page over and over (benchmarks/visitors.py) while it is replaced: what they missed, how long a
replacement took, how much of it the old release had to end what it had begun, and the most memory that the containers
of it all had together.
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

from benchmarks import peers
from benchmarks.harness import INVOKE, SECONDS, Bench, Case, Goal, Metric
from benchmarks.network import free_port
from benchmarks.visitors import Visitors
from docktasks.containers.run_args import remove_args

LOST, DRAIN, MEMORY = Metric("lost", ""), Metric("drain", "s"), Metric("memory", "MB")
GOALS = (
    Goal("no request lost", LOST.name, most=0),
    Goal("the release and the port holder under 16 MB, both releases for a moment", MEMORY.name, most=16),
)
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
class Way:
    """A way to replace what runs: what its containers' names begin with, where it serves, and one replacement."""

    containers: str
    host_port: int
    replace: Callable[[int], str]

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.host_port}"


def cases(bench: Bench) -> Iterator[Case]:
    """One: all ways in turn."""
    bench.output([*INVOKE, "build-prod"])
    with ExitStack() as left:
        measures = {}
        for name, way in ways(bench, left):
            way.replace(-1)
            peers.await_answer(way.url, name)
            measures[name] = Replacing(bench, way)
        yield Case("8 clients", measures, (SECONDS, LOST, DRAIN, MEMORY), "stop + run", warm=False, goals=GOALS)


def ways(bench: Bench, left: ExitStack) -> Iterator[tuple[str, Way]]:
    """Ours, the handbook's, and compose where it is installed."""
    plain, port = f"{bench.name}-plain", free_port()
    run = ["docker", "container", "run", "--detach", "--name", plain, "--label", f"hello-dock.project={bench.name}"]
    run += ["--publish", f"127.0.0.1:{port}:80", f"{bench.name}:prod"]

    def stop_and_run(number: int) -> str:
        if number >= 0:
            bench.output(["docker", "container", "stop", plain])
            bench.output(["docker", "container", "rm", plain])
        return bench.output(run)

    yield "stop + run", Way(plain, port, stop_and_run)
    left.callback(bench, remove_args(plain))

    def ours(number: int) -> str:
        return bench.output([*INVOKE, "run-prod", "--no-build", f"--env=APP_ROUND={number}"])

    yield "ours", Way(f"{bench.name}-prod", bench.host_port, ours)
    if bench.quick:
        return
    if why := peers.missing("docker-compose"):
        bench.skip("compose --force-recreate", why)
        return
    folder, port = left.enter_context(tempfile.TemporaryDirectory()), free_port()
    Path(folder, "compose.yaml").write_text(COMPOSE.format(name=bench.name, host_port=port))
    compose = ["docker", "compose", "--project-directory", folder]

    def recreate(number: int) -> str:
        return bench.output([*compose, "up", "--detach", "--force-recreate"], ROUND=str(number))

    yield "compose --force-recreate", Way(f"{bench.name}-compose", port, recreate)
    left.callback(bench.output, [*compose, "down"], ROUND="")


class Replacing:
    """Replaces a release once, under visitors, and tells what that cost."""

    def __init__(self, bench: Bench, way: Way) -> None:
        self.bench, self.way, self.number = bench, way, 0

    def __call__(self) -> tuple[float, ...]:
        """A value for each metric."""
        self.number += 1
        with Visitors(self.way.url, report=False) as visitors, self.memory_watched() as most:
            began = time.perf_counter()
            printed = self.way.replace(self.number)
            peers.await_answer(self.way.url, self.way.containers)
            took = time.perf_counter() - began
        drains = [float(text) for text in re.findall(r"([\d.]+) s  release \w+ has answered", printed)]
        return took, len(visitors.failures), sum(drains), most[0] / 1e6

    @contextmanager
    def memory_watched(self) -> Iterator[list[float]]:
        """The most memory, in bytes, that the way's containers had together."""
        ended, most = Event(), [0.0]
        engine, named = self.bench.engine, {"name": f"^/{self.way.containers}"}

        def look() -> None:
            together = 0.0
            for container in engine.client.containers.list(filters=named, sparse=True):
                with suppress(Exception):  # gone since the list was made; the next look is a moment away
                    together += peers.memory(engine, container.id)
            most[0] = max(most[0], together)

        def watch() -> None:
            while not ended.wait(0.1):
                look()

        thread = Thread(target=watch)
        thread.start()
        try:
            yield most
        finally:
            ended.set()
            thread.join()
            look()
