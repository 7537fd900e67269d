"""An engine without earlier builds, and a new builder: it has a cache that another builder exported, and nothing else.

So does a fresh CI runner that imports its cache from a registry. A second engine is used, because this machine's own
builder has the layers and cache mounts of earlier builds, and each of its builds takes longer for them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import Bench
from benchmarks.own_engine import CONTAINERD_STORE, OwnEngine, can_start
from docktasks.commands import Result
from docktasks.errors import BenchError

REQUIREMENTS = "a second engine needs root and Linux, with dockerd, unshare, nsenter and ip installed"
DISK_SIZE = "4g"
"""The most that the second engine stores, in memory."""


NETWORK = ("--network", "host")
"""The options by which a build on the second engine reaches a registry: see OwnEngine."""


class NewBuilder:
    """A second engine's builder, on which `bench` runs its commands, and a folder for the caches that it exports."""

    def __init__(self, bench: Bench, caches: Path) -> None:
        self.bench, self.caches = bench, caches

    def export(self, build_args: list[str], name: str) -> None:
        """Build with this command, and keep the layers of all stages as the cache `name`."""
        cache = f"type=local,mode=max,dest={self.caches / name}"
        self.bench.output([*build_args, *NETWORK, "--cache-to", cache])

    def build(self, build_args: list[str], name: str) -> tuple[float, str]:
        """Empty the builder, and build with the cache `name`. Returns seconds and the output. Raises BenchError."""
        self.empty()
        cache = f"type=local,src={self.caches / name}"
        start = time.perf_counter()
        printed = self.bench.output([*build_args, *NETWORK, "--cache-from", cache])
        return time.perf_counter() - start, printed

    def empty(self) -> None:
        """Remove all layers and cache mounts. The images stay. Raises BenchError when something is left."""
        self.bench.output(["docker", "builder", "prune", "--all", "--force"])
        usage = self.bench.output(["docker", "system", "df", "--format", "{{.Type}}: {{.TotalCount}}"])
        if "Build Cache: 0" not in usage.splitlines():
            raise BenchError("The new builder is not empty.", "Its cache would make a build faster.", "", usage)


@contextmanager
def engine_without_builds(
    bench: Bench, images: list[str], config: Mapping[str, object] | None = None
) -> Iterator[tuple[Bench, OwnEngine]]:
    """Start a second engine that has only these images, and end it. Yields a Bench on it, and the engine.

    `config` is the content of its daemon.json. Raises EngineError.
    """
    engine = OwnEngine(isolated=False, config=config, disk_size=DISK_SIZE)

    def execute(args: list[str], environ: Mapping[str, str]) -> Result:
        return bench.execute(args, {**environ, "DOCKER_HOST": engine.host})

    try:
        engine.start()
        with TemporaryDirectory() as folder:
            archive = str(Path(folder, "images.tar"))
            bench.output(["docker", "image", "save", "--output", archive, *images])
            on_engine = replace(bench, engine=engine.connect(), execute=execute)
            on_engine.output(["docker", "image", "load", "--input", archive])
        yield on_engine, engine
    finally:
        engine.end()


@contextmanager
def new_builder(bench: Bench, images: list[str]) -> Iterator[NewBuilder]:
    """Start a second engine that has only these images, and yield its builder. Raises EngineError.

    Only Docker's containerd image store can export a cache: https://docs.docker.com/build/cache/backends/local/
    """
    with engine_without_builds(bench, images, CONTAINERD_STORE) as (on_engine, _), TemporaryDirectory() as caches:
        yield NewBuilder(on_engine, Path(caches))


def missing() -> str:
    """The reason why no new builder can be started here. Empty when one can."""
    return "" if can_start() else REQUIREMENTS
