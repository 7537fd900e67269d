"""Results as plain data: the content of results.json, and the source of the tables, the charts and the document.

docs/bench.schema.json describes the data.
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

from benchmarks.harness import Bench, Goal, Measured, Metric, Topic
from docktasks import workspace
from docktasks.errors import BenchError
from docktasks.verify.report.run import decimal

SCHEMA = 2
FILE_NAME = "results.json"
MACHINE_IDENTITY = ("processor", "cores", "memory")
"""The facts that tell machines apart. A new version of a program does not make another machine."""

Data = dict[str, Any]


def title_and_text(topic: Topic) -> tuple[str, str]:
    """The first line of a topic's docstring, without its full stop, and the rest."""
    title, _, text = inspect.cleandoc(topic.__doc__ or "").partition("\n")
    return title.strip().removesuffix("."), text.strip()


def of_topic(topic: Topic, bench: Bench, measured: Iterable[Measured]) -> Data:
    """The data of a topic that was measured."""
    title, text = title_and_text(topic)
    return {
        "title": title,
        "text": text,
        "quick": bench.quick,
        "rounds": bench.rounds,
        "date": datetime.now(timezone.utc).date().isoformat(),
        "cases": list(map(_of_case, measured)),
        "skipped": [skipped._asdict() for skipped in bench.skipped],
    }


def _of_case(measured: Measured) -> Data:
    case = measured.case
    return {
        "name": case.name,
        "size": case.size,
        "baseline": case.baseline,
        "metrics": [_of_metric(measured, metric) for metric in case.metrics],
        "goals": [data for goal in case.goals for data in _of_goal(measured, goal)],
    }


def _of_metric(measured: Measured, metric: Metric) -> Data:
    values = {
        contestant: {
            "median": value.median,
            "spread": value.spread,
            "ratio": measured.ratio(metric.name, contestant),
            "samples": list(value.samples),
        }
        for contestant, value in measured.values[metric.name].items()
    }
    return {"name": metric.name, "unit": metric.unit, "more_is_better": metric.more_is_better, "values": values}


def _of_goal(measured: Measured, goal: Goal) -> Iterator[Data]:
    """Whether a goal is met. Yields nothing when one of its contestants was skipped."""
    values = measured.values[goal.metric]
    if not {goal.ours, goal.against or goal.ours} <= values.keys():
        return
    reached = values[goal.ours].median
    if goal.against:
        reached /= values[goal.against].median or math.inf
    if goal.most is not None:
        limit, met = f"≤ {_rounded(goal.most)}", reached <= goal.most
    else:
        limit, met = f"≥ {_rounded(goal.least or 0)}", reached >= (goal.least or 0)
    yield {"text": goal.text, "reached": reached, "limit": limit, "met": met}


def _rounded(limit: float) -> str:
    """A limit as it was set, such as 1.15; a third is 0.33."""
    return f"{round(limit, 2):g}"


def load(folder: Path) -> Data:
    """The results of earlier runs in a folder; empty ones when there are none. Raises BenchError for another file."""
    path = folder / FILE_NAME
    if not path.exists():
        return {"schema": SCHEMA, "machine": {}, "topics": {}}
    why, how = "bench adds to the results of earlier runs.", "Move the file away, or name another folder: --out"
    try:
        data: Data = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BenchError(f"{path} cannot be read: {error}", why, how) from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise BenchError(f"{path} has no results of version {SCHEMA}.", why, how)
    return data


def set_aside_other_machine(folder: Path, machine: dict[str, str]) -> Path | None:
    """Rename the results in a folder when they are of another machine. Returns the new path, or None."""
    other = load(folder)["machine"]
    if not other or all(other.get(title) == machine.get(title) for title in MACHINE_IDENTITY):
        return None
    paths = (folder / f"results-{number}.json" for number in itertools.count(1))
    return (folder / FILE_NAME).rename(next(path for path in paths if not path.exists()))


def store(folder: Path, machine: dict[str, str], topic: str, data: Data) -> Data:
    """Add a topic's data to the results in a folder. Returns all of them."""
    stored = load(folder)
    stored["machine"] = machine
    stored["topics"][topic] = data
    with workspace.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE_NAME).write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return stored


def series(data: Data) -> dict[str, list[Data]]:
    """The series of a topic, by name: their cases in the order of the size."""
    cases_by_name: dict[str, list[Data]] = {}
    for case in sorted(data["cases"], key=lambda case: float(case["size"])):
        if case["size"]:
            cases_by_name.setdefault(case["name"], []).append(case)
    return {name: cases for name, cases in cases_by_name.items() if len(cases) > 1}


def slope(sizes: list[float], values: list[float]) -> float | None:
    """How a value grows with the size: the slope of the least-squares line through the logarithms of both."""
    points = [(math.log(size), math.log(value)) for size, value in zip(sizes, values, strict=True) if value > 0]
    if len(points) < 2:  # noqa: PLR2004 - a line needs two points
        return None
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    variance = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / variance if variance else None


def formatted_slope(slope: float) -> str:
    """A slope with two digits. What rounds to 0 has no minus."""
    return f"{round(slope, 2) + 0.0:.2f}"


def formatted(value: float, unit: str) -> str:
    """A value with three digits, and its unit. Bytes look as in the report of `invoke verify`: 41.5 kB."""
    if unit == "B":
        return decimal(round(value))
    if abs(value) >= 100 or value == int(value):  # noqa: PLR2004 - three digits
        number = f"{value:,.0f}"
    else:
        number = f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.4f}"  # noqa: PLR2004 - no exponent
    return f"{number}{unit}" if unit.startswith("/") else f"{number} {unit}".strip()


def formatted_spread(spread: float) -> str:
    """A spread, as it follows a median. Empty when there is none."""
    return f" ± {formatted(spread, '')}" if spread else ""


def case_title(name: str, size: float) -> str:
    """A case's name, with the size in front when it is one of a series."""
    return f"{size:,.0f} {name}" if size else name
