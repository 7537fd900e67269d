"""A new builder: it has the base images and a cache that another builder exported, and nothing else.

So does a fresh CI runner that imports its cache from a registry. A second engine is used, because this machine's own
builder has the layers and cache mounts of earlier builds. Only Docker's containerd image store can export a cache:
https://docs.docker.com/build/cache/backends/local/
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import Bench
from benchmarks.own_engine import CONTAINERD_STORE, OwnEngine, can_start
from docktasks.errors import BenchError

REQUIREMENTS = "a second engine needs root and Linux, with dockerd, unshare, nsenter and ip installed"
DISK_SIZE = "4g"
"""The most that the second engine stores, in memory."""


class NewBuilder:
    """The second engine's builder, and a folder for the caches that it exports."""

    def __init__(self, bench: Bench, engine: OwnEngine, caches: Path) -> None:
        self.bench, self.engine, self.caches = bench, engine, caches

    def _output(self, args: list[str]) -> str:
        return self.bench.output(args, DOCKER_HOST=self.engine.host)

    def load(self, images: list[str]) -> None:
        """Copy images, by their tags, from the machine's engine."""
        archive = self.caches / "images.tar"
        self.bench.output(["docker", "image", "save", "--output", str(archive), *images])
        self._output(["docker", "image", "load", "--input", str(archive)])
        archive.unlink()

    def export(self, build_args: list[str], name: str) -> None:
        """Build with this command, and keep the layers of all stages as the cache `name`."""
        cache = f"type=local,mode=max,dest={self.caches / name}"
        self._output([*build_args, "--network", "host", "--cache-to", cache])

    def build(self, build_args: list[str], name: str) -> tuple[float, str]:
        """Empty the builder, and build with the cache `name`. Returns seconds and the output. Raises BenchError."""
        self.empty()
        cache = f"type=local,src={self.caches / name}"
        start = time.perf_counter()
        printed = self._output([*build_args, "--network", "host", "--cache-from", cache])
        return time.perf_counter() - start, printed

    def empty(self) -> None:
        """Remove all layers and cache mounts. The images stay. Raises BenchError when something is left."""
        self._output(["docker", "builder", "prune", "--all", "--force"])
        usage = self._output(["docker", "system", "df", "--format", "{{.Type}}: {{.TotalCount}}"])
        if "Build Cache: 0" not in usage.splitlines():
            raise BenchError("The new builder is not empty.", "Its cache would make a build faster.", "", usage)


@contextmanager
def new_builder(bench: Bench, images: list[str]) -> Iterator[NewBuilder]:
    """Start a second engine that has only these images, and end it. Raises EngineError."""
    with TemporaryDirectory() as caches:
        engine = OwnEngine(isolated=False, config=CONTAINERD_STORE, disk_size=DISK_SIZE)
        try:
            engine.start()
            builder = NewBuilder(bench, engine, Path(caches))
            builder.load(images)
            yield builder
        finally:
            engine.end()


def missing() -> str:
    """The reason why no new builder can be started here. Empty when one can."""
    return "" if can_start() else REQUIREMENTS
