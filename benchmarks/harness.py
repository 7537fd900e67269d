"""What all measurements share: contestants take turns, the median counts, and the spread is shown.

A topic is a module of benchmarks/topics/, listed in topics.TOPICS. The first line of its docstring is its title; the
rest says what is measured. Its one function yields its comparisons:

    def cases(bench: Bench) -> Iterator[Case]:
        with contextlib.ExitStack() as stack:        # what the cases need; closed after the last case is measured
            ...
            yield Case("one thing", contestants={"bare": bare, "ours": ours}, metrics=(SECONDS,), baseline="bare")

A contestant is a function that measures once. It returns seconds, or a value for each metric of its case.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar, cast

from benchmarks.checkout import ROOT
from docktasks import waiting
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.client import DockerEngine
from docktasks.errors import BenchError
from docktasks.images.sizes import unpacked_size
from docktasks.settings import Settings

INVOKE = [sys.executable, "-m", "invoke"]
COMMAND_TIMEOUT_S = 600
END_TIMEOUT_S = 60
TIMEOUT_EXIT_CODE = 124
"""The exit code of timeout(1) for a command that it ended."""

SERVED_TIMEOUT_S = 120


@dataclass(frozen=True)
class Metric:
    """A quantity and its unit, such as s, MB or /s. The unit of a plain count is empty."""

    name: str
    unit: str
    more_is_better: bool = False


SECONDS = Metric("time", "s")

T = TypeVar("T")

Measure = Callable[[], float | Sequence[float]]


@dataclass(frozen=True)
class Goal:
    """A limit for the contestant `ours`: at least or at most a figure, or that many times the figure of `against`."""

    text: str
    metric: str = "time"
    ours: str = "ours"
    against: str = ""
    most: float | None = None
    least: float | None = None


@dataclass(frozen=True)
class Case:
    """One comparison: a function for each contestant, which measures once and returns a value for each metric.

    Ratios are to the contestant `baseline`. `rounds` overrides how often each contestant is measured. `warm` measures
    each contestant once before the first round; that measurement does not count. Cases with the same name and a
    different `size` are a series, which is drawn over the size.
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
    """All samples of one contestant and one metric."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the samples."""
        return statistics.median(self.samples)

    @property
    def spread(self) -> float:
        """The interquartile range: the middle half of the samples lies in it. 0 for one sample."""
        if len(self.samples) < 2:  # noqa: PLR2004 - quartiles need two samples
            return 0
        low, _, high = statistics.quantiles(self.samples, n=4, method="inclusive")
        return high - low


@dataclass(frozen=True)
class Measured:
    """A measured case: for each metric, the value of each contestant, by their names."""

    case: Case
    values: Mapping[str, Mapping[str, Value]]

    def ratio(self, metric: str, contestant: str) -> float | None:
        """The contestant's median divided by the baseline's. None without a baseline, or when that median is 0."""
        values = self.values[metric]
        base = values[self.case.baseline].median if self.case.baseline in values else 0
        return values[contestant].median / base if base else None


class Skipped(NamedTuple):
    """A contestant that cannot take part, and the reason."""

    contestant: str
    reason: str


def run_command(args: list[str], environ: Mapping[str, str]) -> Result:
    """Run a command in the checkout. Returns what it printed, without showing it. A command that hangs has failed."""
    with subprocess.Popen(
        args, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        try:
            printed, _ = process.communicate(timeout=COMMAND_TIMEOUT_S)
            return Result(process.returncode, printed)
        except subprocess.TimeoutExpired:
            process.kill()
            return Result(TIMEOUT_EXIT_CODE, f"{process.communicate()[0]}\nIt did not end in {COMMAND_TIMEOUT_S} s.")
        except BaseException:
            process.terminate()  # a task then removes what it has half made
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=END_TIMEOUT_S)
            process.kill()
            raise


@dataclass
class Bench:
    """What a topic works with: settings, engine, a project's `name` and `host_port`, and how much to measure.

    `quick` asks for the least work that shows that the measurement works. `execute` runs a command with an environment.
    """

    settings: Settings
    engine: DockerEngine
    name: str
    rounds: int = 5
    quick: bool = False
    host_port: int = 0
    execute: Callable[[list[str], Mapping[str, str]], Result] = run_command
    skipped: list[Skipped] = field(default_factory=list)
    dry: bool = False

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:  # noqa: ARG002 - it is always quiet
        """Run a command, as a docktasks.commands.Run does. Raises BenchError when it fails."""
        return Result(0, self.output(args))

    def attach(self, args: list[str], end: Callable[[], object] = lambda: None) -> int:  # noqa: ARG002 - it has no Ctrl-C
        """Run a command without a terminal."""
        return self(args).code

    def output(self, args: list[str], **environ: str) -> str:
        """Run a command with more environment variables, and return what it prints. Raises BenchError when it fails."""
        result = self.execute(args, self.environ | environ)
        if not result.ok:
            failure = f"`{' '.join(args[:4])}` failed, so nothing can be measured."
            raise BenchError(failure, "", "Correct what it reports", evidence=result.tail())
        return result.output

    def image_bytes(self, reference: str) -> int:
        """Return the unpacked size of an image, 0 without the image."""
        image = self.engine.image(reference)
        return unpacked_size(Project(self, self.engine, self.settings), image) if image else 0

    def seconds(self, args: list[str], **environ: str) -> float:
        """Measure how long a command takes. Raises BenchError when it fails."""
        start = time.perf_counter()
        self.output(args, **environ)
        return time.perf_counter() - start

    def until_served(self, args: list[str], url: str, limit_s: float = SERVED_TIMEOUT_S) -> float:
        """Seconds from the start of a command until `url` answers 200. Raises BenchError when it does not in time."""
        answered_at: list[float] = []

        def watch() -> None:
            if waiting.wait_until(lambda: waiting.http_ready(url, timeout=1), limit_s, interval=0.005).ready:
                answered_at.append(time.perf_counter())

        watcher = threading.Thread(target=watch)
        watcher.start()
        start = time.perf_counter()
        try:
            self.output(args)
        finally:
            watcher.join()
        if not answered_at:
            raise BenchError(f"`{' '.join(args[:4])}` serves nothing at {url}.", "", "See its container's log")
        return answered_at[0] - start

    @property
    def environ(self) -> dict[str, str]:
        """The environment of commands: tasks use this project's name, and Python caches bytecode as for a user."""
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        return environ | {"INVOKE_APP_NAME": self.name, "INVOKE_PROD_HOST_PORT": str(self.host_port)}

    def contestants(self, contestants: Mapping[str, T]) -> dict[str, T]:
        """Those that take part. In a quick run only ours does: invoke compare's test measures the handbook's, too."""
        return {name: value for name, value in contestants.items() if not self.quick or name == "ours"}

    def skip(self, contestant: str, reason: str) -> None:
        """Record, once, that a contestant cannot take part and why."""
        if (skipped := Skipped(contestant, reason)) not in self.skipped:
            self.skipped.append(skipped)


class Topic(Protocol):
    """A module of benchmarks/topics/."""

    def cases(self, bench: Bench) -> Iterator[Case]:
        """Yield the comparisons. Each one is measured before the next one is asked for."""


def measure(case: Case, rounds: int, *, quick: bool = False) -> Measured:
    """Measure the contestants in turn (A B A B), so that a slow moment of the machine affects all of them."""
    if case.warm and not quick:
        for contestant in case.contestants.values():
            contestant()
    samples: dict[str, list[Sequence[float]]] = {name: [] for name in case.contestants}
    for _ in range(1 if quick else case.rounds or rounds):
        for name, contestant in case.contestants.items():
            sample = contestant()
            samples[name].append(sample if isinstance(sample, Sequence) else (sample,))
    values = {
        metric.name: {name: Value(tuple(sample[index] for sample in taken)) for name, taken in samples.items()}
        for index, metric in enumerate(case.metrics)
    }
    return Measured(case, values)


def run(topic: Topic, bench: Bench) -> Iterator[Measured]:
    """Measure a topic, case by case. What the topic set up is removed at the end, after an error too."""
    with closing(cast("Generator[Case, None, None]", topic.cases(bench))) as cases:
        for case in cases:
            yield measure(case, bench.rounds, quick=bench.quick)
