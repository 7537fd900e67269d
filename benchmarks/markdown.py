"""docs/benchmarks.md, written from the results."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import results
from benchmarks.results import Data

HEAD = """# What it is worth, in figures

`invoke bench --docs` writes this file from the results of one machine. Do not edit it; run it on your machine. The
contestants of a table were measured in turn (A B A B), in one run. A figure is the median; behind it is the spread,
from the first quartile to the third. Absolute times depend on the machine, so compare the ratios. All samples are in
.cache/bench/results.json, which [a schema](bench.schema.json) describes.
"""


def write(data: Data, findings: str, pictures: str) -> str:
    """The document. `findings` is the text of findings.md, `pictures` the folder of the charts, from the document."""
    parts = [HEAD, *_machine(data["machine"]), *_goals(data["topics"]), findings.strip() + "\n"]
    for name, topic in data["topics"].items():
        parts += _topic(name, topic, pictures)
    return "\n".join(parts)


def _machine(machine: dict[str, str]) -> Iterator[str]:
    yield "| the machine | |\n|---|---|"
    yield from (f"| {title} | {text} |" for title, text in machine.items())
    yield ""


def _goals(topics: dict[str, Data]) -> Iterator[str]:
    measured = [topic for topic in topics.values() if not topic["quick"]]
    goals = [(case, goal) for topic in measured for case in topic["cases"] for goal in case["goals"]]
    if not goals:
        return
    yield "## Goals\n\n| goal | case | reached | limit | |\n|---|---|---:|---:|---|"
    for case, goal in goals:
        name = results.case_title(case["name"], case["size"])
        met = "met" if goal["met"] else "**missed**"
        yield f"| {goal['text']} | {name} | {goal['reached']:.2f} | {goal['limit']} | {met} |"
    yield ""


def _topic(name: str, topic: Data, pictures: str) -> Iterator[str]:
    yield f"## {topic['title']}\n\n{topic['text']}\n"
    if topic["quick"]:
        yield "*A quick run: it shows that the measurement works, and its figures mean nothing.*\n"
    elif topic["cases"]:
        source = f"{pictures}/bench-{name}"
        yield f'<picture><source media="(prefers-color-scheme: dark)" srcset="{source}-dark.svg">'
        yield f'<img alt="{topic["title"]}, as bars" src="{source}.svg"></picture>\n'
    for case_name, cases in _by_name(topic["cases"]).items():
        yield from _table(case_name, cases)
    for case_name, cases in results.series(topic).items():
        yield from _slopes(case_name, cases)
    for skipped in topic["skipped"]:
        yield f"Left out: {skipped['contestant']}, {skipped['reason']}.\n"


def _by_name(cases: list[Data]) -> dict[str, list[Data]]:
    cases_by_name: dict[str, list[Data]] = {}
    for case in cases:
        cases_by_name.setdefault(case["name"], []).append(case)
    return cases_by_name


def _table(name: str, cases: list[Data]) -> Iterator[str]:
    metrics = cases[0]["metrics"]
    has_sizes = bool(cases[0]["size"])
    titles = [text for metric in metrics for text in (metric["name"], "ratio")]
    heads = [name, *([""] if has_sizes else []), *titles]
    yield f"| {' | '.join(heads)} |\n|{'---:|' if has_sizes else ''}---|{'---:|---:|' * len(metrics)}"
    for case in cases:
        for contestant in metrics[0]["values"]:
            first = [f"{case['size']:,.0f}", contestant] if has_sizes else [contestant]
            cells = [cell for metric in case["metrics"] for cell in _cells(metric, contestant)]
            yield f"| {' | '.join([*first, *cells])} |"
    yield ""


def _cells(metric: Data, contestant: str) -> Iterator[str]:
    """A contestant's median with its spread, and its ratio."""
    value = metric["values"][contestant]
    yield results.formatted(value["median"], metric["unit"]) + results.formatted_spread(value["spread"])
    yield f"{value['ratio']:.2f}" if value["ratio"] is not None else ""


def _slopes(name: str, cases: list[Data]) -> Iterator[str]:
    sizes = [case["size"] for case in cases]
    for index, metric in enumerate(cases[0]["metrics"]):
        texts = []
        for contestant in metric["values"]:
            medians = [case["metrics"][index]["values"][contestant]["median"] for case in cases]
            slope = results.slope(sizes, medians)
            texts += [f"{contestant} {results.formatted_slope(slope)}"] if slope is not None else []
        yield f"- {metric['name']} over {name}, slope: {', '.join(texts)}"
    yield ""
