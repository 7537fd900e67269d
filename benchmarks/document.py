"""docs/benchmarks.md, written from the results."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import results
from benchmarks.results import Data

HEAD = """# What it is worth, in figures

Written by `invoke bench --docs` from one machine's results; do not edit, run it on yours. Whoever is compared was
measured in turn with the others, A B A B, in one run: medians, with the spread (from the first quartile to the third)
behind them. Absolute times are this machine's; what counts is the ratio. A run leaves all of it, each sample too, in
.cache/bench/results.json, as [a schema](bench.schema.json) describes it.
"""


def write(data: Data, findings: str, pictures: str) -> str:
    """The document; `findings` is what people concluded, `pictures` the folder of the charts beside it."""
    parts = [HEAD, *_machine(data["machine"]), *_goals(data["topics"]), findings.strip() + "\n"]
    for topic, found in data["topics"].items():
        parts += _topic(topic, found, pictures)
    return "\n".join(parts)


def _machine(machine: dict[str, str]) -> Iterator[str]:
    yield "| the machine | |\n|---|---|"
    yield from (f"| {title} | {text} |" for title, text in machine.items())
    yield ""


def _goals(topics: dict[str, Data]) -> Iterator[str]:
    goals = [(found, case, goal) for found in topics.values() for case in found["cases"] for goal in case["goals"]]
    if not goals:
        return
    yield "## What was aimed at\n\n| goal | case | reached | wanted | |\n|---|---|---:|---:|---|"
    for _, case, goal in goals:
        name = f"{case['size']:,.0f} {case['name']}" if case["size"] else case["name"]
        met = "met" if goal["met"] else "**missed**"
        yield f"| {goal['says']} | {name} | {goal['reached']:.2f} | {goal['wanted']} | {met} |"
    yield ""


def _topic(topic: str, data: Data, pictures: str) -> Iterator[str]:
    yield f"## {data['title']}\n\n{data['says']}\n"
    if data["quick"]:
        yield "*A quick run, which shows that the measurement works and no more.*\n"
    elif data["cases"]:
        source = f"{pictures}/bench-{topic}"
        yield f'<picture><source media="(prefers-color-scheme: dark)" srcset="{source}-dark.svg">'
        yield f'<img alt="{data["title"]}, as bars" src="{source}.svg"></picture>\n'
    for name, cases in _by_name(data["cases"]).items():
        yield from _table(name, cases)
    for name, cases in results.series(data).items():
        yield from _slopes(name, cases)
    for each in data["skipped"]:
        yield f"Left out: {each['who']}, {each['why']}.\n"


def _by_name(cases: list[Data]) -> dict[str, list[Data]]:
    found: dict[str, list[Data]] = {}
    for case in cases:
        found.setdefault(case["name"], []).append(case)
    return found


def _table(name: str, cases: list[Data]) -> Iterator[str]:
    metrics = cases[0]["metrics"]
    sized = bool(cases[0]["size"])
    heads = [name, *([""] if sized else []), *(text for metric in metrics for text in (metric["name"], "ratio"))]
    yield f"| {' | '.join(heads)} |\n|{'---:|' if sized else ''}---|{'---:|---:|' * len(metrics)}"
    for case in cases:
        for who in metrics[0]["values"]:
            cells = [f"{case['size']:,.0f}", who] if sized else [who]
            for metric in case["metrics"]:
                value = metric["values"][who]
                spread = f" ± {results.written(value['spread'], '')}" if value["spread"] else ""
                ratio = f"{value['ratio']:.2f}" if value["ratio"] is not None else ""
                cells += [results.written(value["median"], metric["unit"]) + spread, ratio]
            yield f"| {' | '.join(cells)} |"
    yield ""


def _slopes(name: str, cases: list[Data]) -> Iterator[str]:
    sizes = [case["size"] for case in cases]
    for place, metric in enumerate(cases[0]["metrics"]):
        told = []
        for who in metric["values"]:
            grows = results.slope(sizes, [case["metrics"][place]["values"][who]["median"] for case in cases])
            told += [f"{who} {grows:.2f}"] if grows is not None else []
        yield f"- {metric['name']} over {name}, slope: {', '.join(told)}"
    yield ""
