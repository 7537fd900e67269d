"""Results as plain data: what is written as JSON, and what the table, the charts and the document are made from.

docs/bench.schema.json describes it.
"""

from __future__ import annotations

import inspect
import itertools
import json
import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.harness import Bench, Goal, Measured, Topic
from docktasks.errors import BenchError

SCHEMA = 1
NAME = "results.json"
IDENTITY = ("processor", "cores", "memory")
"""What of a machine's description makes it another one; a new version of something does not."""
Data = dict[str, Any]


def told(topic: Topic) -> tuple[str, str]:
    """A topic's title and what it says of itself."""
    title, _, says = inspect.cleandoc(topic.__doc__ or "").partition("\n")
    return title.strip().removesuffix("."), says.strip()


def of_topic(topic: Topic, bench: Bench, measured: Iterable[Measured]) -> Data:
    """A topic as it was measured."""
    title, says = told(topic)
    return {
        "title": title,
        "says": says,
        "quick": bench.quick,
        "rounds": bench.rounds,
        "made": datetime.now(timezone.utc).date().isoformat(),
        "cases": list(map(_of_case, measured)),
        "skipped": [{"who": who, "why": why} for who, why in bench.skipped],
    }


def _of_case(each: Measured) -> Data:
    return {
        "name": each.case.name,
        "size": each.case.size,
        "baseline": each.case.baseline,
        "metrics": [
            {
                "name": metric.name,
                "unit": metric.unit,
                "more": metric.more,
                "values": {
                    who: {
                        "median": value.median,
                        "spread": value.spread,
                        "ratio": each.ratio(metric.name, who),
                        "samples": list(value.samples),
                    }
                    for who, value in each.values[metric.name].items()
                },
            }
            for metric in each.case.metrics
        ],
        "goals": [goal for wanted in each.case.goals for goal in _of_goal(each, wanted)],
    }


def _of_goal(each: Measured, goal: Goal) -> Iterator[Data]:
    """Whether it is met; nothing where who is to meet it was skipped."""
    values = each.values[goal.metric]
    if goal.ours not in values or (goal.against and goal.against not in values):
        return
    reached = values[goal.ours].median
    if goal.against:
        reached /= values[goal.against].median or math.inf
    wanted = f"≤ {_limit(goal.most)}" if goal.most is not None else f"≥ {_limit(goal.least or 0)}"
    met = reached <= goal.most if goal.most is not None else reached >= (goal.least or 0)
    yield {"says": goal.says, "reached": reached, "wanted": wanted, "met": met}


def _limit(value: float) -> str:
    """A goal's limit as it was set: 1.15, and a third as 0.33."""
    return f"{round(value, 2):g}"


def load(folder: Path) -> Data:
    """What earlier runs left there; nothing when none did. Raises BenchError for what is no result of ours."""
    path = folder / NAME
    if not path.exists():
        return {"schema": SCHEMA, "machine": {}, "topics": {}}
    how = "Move it away, or name another folder: --out"
    try:
        found: Data = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BenchError(f"{path} cannot be read: {error}", "Results of earlier runs are kept there.", how) from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise BenchError(f"{path} holds no results of this version.", "Results of earlier runs are kept there.", how)
    return found


def set_aside(folder: Path, machine: dict[str, str]) -> Path | None:
    """Rename the results that are there when they are of another machine: to the path that is returned."""
    then = load(folder)["machine"]
    if not then or all(then.get(title) == machine.get(title) for title in IDENTITY):
        return None
    numbers = itertools.count(1)
    path = next(path for number in numbers if not (path := folder / f"results-{number}.json").exists())
    return (folder / NAME).rename(path)


def keep(folder: Path, machine: dict[str, str], topic: str, data: Data) -> Data:
    """Put a topic's results beside those that are there; all of them."""
    found = load(folder)
    found["machine"] = machine
    found["topics"][topic] = data
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return found


def series(data: Data) -> dict[str, list[Data]]:
    """The cases of a topic that are of a series, by its name, in the order of their size."""
    found: dict[str, list[Data]] = {}
    for case in sorted(data["cases"], key=lambda case: float(case["size"])):
        if case["size"]:
            found.setdefault(case["name"], []).append(case)
    return {name: cases for name, cases in found.items() if len(cases) > 1}


def slope(sizes: list[float], values: list[float]) -> float | None:
    """How a figure grows with the size: the slope of the line through their logarithms (least squares)."""
    points = [(math.log(size), math.log(value)) for size, value in zip(sizes, values, strict=True) if value > 0]
    if len(points) < 2:  # noqa: PLR2004 - a line has two
        return None
    middle_x, middle_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    below = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / below if below else None


def written(value: float, unit: str) -> str:
    """A figure as it is told: three digits, and its unit."""
    if unit == "B" or abs(value) >= 100 or value == int(value):  # noqa: PLR2004 - three digits
        number = f"{value:,.0f}"
    else:
        number = f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.4f}"  # noqa: PLR2004 - no exponents
    return f"{number}{unit}" if unit.startswith("/") else f"{number} {unit}".strip()
