"""What every measurement shares: contestants take turns, the median counts, and its spread is told.

A topic is a module of benchmarks/topics/ that is named in topics.TOPICS. Its docstring says what is measured, the first
line as a title, and it has one function, which yields its comparisons:

    def cases(bench: Bench) -> Iterator[Case]:
        with contextlib.ExitStack() as left:        # what the cases need; it goes when the last of them is measured
            ...
            yield Case("one thing", contestants={"bare": bare, "ours": ours}, metrics=(SECONDS,), baseline="bare")

A contestant is a function that measures once: the seconds that something took, or whatever its metrics say.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from benchmarks import hyperfine
from docktasks import waiting
from docktasks.commands import Result
from docktasks.engine.client import DockerEngine
from docktasks.errors import BenchError
from docktasks.settings import Settings

ROOT = Path(__file__).parent.parent
INVOKE = [sys.executable, "-m", "invoke"]
LIMIT = 600
"""Seconds that one command may take."""


@dataclass(frozen=True)
class Metric:
    """What is measured, in which unit; `more` when more is better."""

    name: str
    unit: str
    more: bool = False


SECONDS = Metric("time", "s")

Measure = Callable[[], float | Sequence[float]]


@dataclass(frozen=True)
class Goal:
    """What `ours` is to reach: `least` or `most` times what `against` has; without that, so much."""

    says: str
    metric: str = "time"
    ours: str = "ours"
    against: str = ""
    most: float | None = None
    least: float | None = None


@dataclass(frozen=True)
class Case:
    """One comparison: what measures each contestant once, a value a metric, and the one that the others are a ratio to.

    `rounds` overrides how often each is measured; `warm` measures each once before, which does not count. Cases with a
    `size` are one of a series, drawn over it.
    """

    name: str
    contestants: Mapping[str, Measure]
    metrics: tuple[Metric, ...] = (SECONDS,)
    baseline: str = ""
    rounds: int = 0
    warm: bool = True
    size: float = 0
    goals: tuple[Goal, ...] = ()


@dataclass(frozen=True)
class Value:
    """What one contestant had of one metric: all samples, and their median."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the samples are below."""
        return statistics.median(self.samples)

    @property
    def spread(self) -> float:
        """From the first quartile to the third: half of the samples are within."""
        if len(self.samples) < 2:  # noqa: PLR2004 - one has no spread
            return 0
        low, _, high = statistics.quantiles(self.samples, n=4, method="inclusive")
        return high - low


@dataclass(frozen=True)
class Measured:
    """A case that was measured: a value for each metric and contestant."""

    case: Case
    values: Mapping[str, Mapping[str, Value]]

    def ratio(self, metric: str, contestant: str) -> float | None:
        """A contestant's median over the baseline's."""
        values = self.values[metric]
        base = values[self.case.baseline].median if self.case.baseline in values else 0
        return values[contestant].median / base if base else None


@dataclass
class Bench:
    """What a topic is given: the settings, the engine, a runner, a project's `name` and `host_port`, how much to do.

    `quick` asks for as little as shows that the measurement works. Who cannot take part is told to `skip`.
    """

    settings: Settings
    engine: DockerEngine
    name: str
    rounds: int = 5
    quick: bool = False
    host_port: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    dry: bool = False

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:  # noqa: ARG002 - it always is
        """Run a command, as a docktasks.answers.Run; its failure ends the measurement."""
        return Result(0, self.output(args))

    def output(self, args: list[str], **env: str) -> str:
        """What a command prints. Raises BenchError when it fails."""
        ran = subprocess.run(
            args, cwd=ROOT, env=self.environ | env, check=False, timeout=LIMIT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if ran.returncode:
            raise BenchError(
                f"`{' '.join(args[:4])}` failed, so nothing can be measured.",
                "",
                "Mend what it says",
                evidence=Result(1, ran.stdout).tail(),
            )
        return ran.stdout

    def seconds(self, args: list[str], **env: str) -> float:
        """How long a command takes, by hyperfine where it is installed. Raises BenchError when it fails."""
        if hyperfine.installed():
            took = hyperfine.seconds(args, ROOT, self.environ | env, LIMIT)
            if took is not None:
                return took
            self.output(args, **env)  # which says why
            raise BenchError(f"`{' '.join(args[:4])}` failed once, and then no more.", "", "Measure again")
        began = time.perf_counter()
        self.output(args, **env)
        return time.perf_counter() - began

    def until_served(self, args: list[str], url: str) -> float:
        """Seconds from the start of a command until an address answers 200. Raises BenchError when it does not."""
        served: list[float] = []

        def watch() -> None:
            if waiting.wait_until(lambda: waiting.http_ready(url, timeout=1), limit=30, interval=0.005).ready:
                served.append(time.perf_counter())

        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.perf_counter()
        try:
            self.output(args)
        finally:
            watcher.join()
        if not served:
            raise BenchError(f"`{' '.join(args[:4])}` serves nothing at {url}.", "", "See its container's log")
        return served[0] - began

    @property
    def environ(self) -> dict[str, str]:
        """The environment of commands: the tasks work under our name, and are compiled, as on a user's machine."""
        env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        return env | {"INVOKE_APP_NAME": self.name, "INVOKE_PROD_HOST_PORT": str(self.host_port)}

    def skip(self, who: str, why: str) -> None:
        """Say, once, that somebody does not take part, and how they could."""
        if (who, why) not in self.skipped:
            self.skipped.append((who, why))


class Topic(Protocol):
    """A module of benchmarks/topics/."""

    __doc__: str | None

    @staticmethod
    def cases(bench: Bench) -> Iterator[Case]:
        """The comparisons; each is measured before the next is asked for."""


def measure(case: Case, rounds: int, *, quick: bool = False) -> Measured:
    """Measure every contestant in turn, A B A B, so that a slow spell of the machine hits them all."""
    if case.warm and not quick:
        for contestant in case.contestants.values():
            contestant()
    samples: dict[str, list[Sequence[float]]] = {name: [] for name in case.contestants}
    for _ in range(1 if quick else case.rounds or rounds):
        for name, contestant in case.contestants.items():
            got = contestant()
            samples[name].append(got if isinstance(got, Sequence) else (got,))
    return Measured(
        case,
        {
            metric.name: {name: Value(tuple(each[place] for each in taken)) for name, taken in samples.items()}
            for place, metric in enumerate(case.metrics)
        },
    )


def run(topic: Topic, bench: Bench) -> Iterator[Measured]:
    """Measure a topic, case by case; what it set up goes when this ends, however it ends."""
    with closing(cast("Generator[Case, None, None]", topic.cases(bench))) as cases:
        for case in cases:
            yield measure(case, bench.rounds, quick=bench.quick)
