"""Cases and topics whose measurements are known."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from benchmarks import harness, results
from benchmarks.harness import Bench, Case, Goal, Metric, Topic

RATE = Metric("requests", "/s", more_is_better=True)
MACHINE = {"processor": "fast", "cores": "2", "memory": "24 GB", "kernel": "6.1", "Docker": "26"}
GOALS = (
    Goal("half", against="bare", most=0.5),
    Goal("a third", against="bare", most=1 / 3),
    Goal("under two", most=2),
    Goal("twice", against="bare", least=2),
    Goal("a little more", against="bare", most=1.15),
    Goal("of a skipped contestant", ours="nobody", most=1),
)


class Scripted:
    """A contestant with known measurements. It adds its name to a log at each turn."""

    def __init__(self, name: str, log: list[str], *values: float | tuple[float, ...]) -> None:
        self.name, self.log, self.values = name, log, iter(values)

    def __call__(self) -> float | tuple[float, ...]:
        """The next value."""
        self.log.append(self.name)
        return next(self.values)


def race(rounds: int = 0, goals: tuple[Goal, ...] = ()) -> Case:
    """A case of two contestants, with values for a warm-up and three rounds."""
    log: list[str] = []
    contestants = {"bare": Scripted("bare", log, 9, 2, 4, 3), "ours": Scripted("ours", log, 9, 1, 1.5, 8)}
    return Case("race", contestants, baseline="bare", rounds=rounds, goals=goals)


def log_of(case: Case) -> list[str]:
    """The turns of a case that race() made."""
    return cast("Scripted", case.contestants["ours"]).log


def of_size(size: int) -> Case:
    """One case of a series: the handbook's figure stays, ours grows in proportion."""
    return Case("modules", {"handbook": lambda: 1.0, "ours": lambda: size / 10}, baseline="handbook", size=size)


def of_size_with_two_metrics(size: int) -> Case:
    """One case of a series with two metrics."""
    return Case("lived", {"ours": lambda: (1.0, float(size))}, (harness.SECONDS, RATE), size=size, warm=False)


def topic_of(*cases: Case, log: list[str] | None = None) -> Topic:
    """A topic of these cases, which adds "closed" to a log at its end."""

    def generate(_bench: Bench) -> Iterator[Case]:
        try:
            yield from cases
        finally:
            if log is not None:
                log.append("closed")

    return cast("Topic", types.SimpleNamespace(__doc__="A race.\n\nWho is first?\n", cases=generate))


def topic_data(bench: Bench, *cases: Case) -> results.Data:
    """The data of a topic with these cases and a skipped contestant, written as JSON and read again."""
    bench = replace(bench, skipped=[])
    bench.skip("Caddy", "not installed (apt-get install caddy)")
    measured = list(harness.run(topic_of(*cases), bench))
    data: results.Data = json.loads(json.dumps(results.of_topic(topic_of(), bench, measured)))
    return data
