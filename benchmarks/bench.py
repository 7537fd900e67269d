"""`invoke bench`: measures the topics, and reports: JSON, a table, charts, and docs/benchmarks.md."""

from __future__ import annotations

import importlib
import math
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.table import Table

from benchmarks import document, harness, machine, results
from benchmarks.harness import ROOT, Bench, Measured, Metric, Topic
from benchmarks.network import free_port
from benchmarks.topics import TOPICS
from docktasks import workspace
from docktasks.commands import Run
from docktasks.engine import connect
from docktasks.errors import BenchError
from docktasks.settings import Settings

MOST_ROUNDS = 100
CHARTS = (
    "Charts are left out: matplotlib is not installed: "
    "pip install --require-hashes --requirement requirements-bench.lock"
)


@dataclass(frozen=True)
class Wanted:
    """Which topics (all when none is named), how thoroughly, where results go, and whether the document is written."""

    topics: Sequence[str] = ()
    quick: bool = False
    rounds: str = "5"
    out: str = ""
    docs: bool = False

    def folder(self, root: Path) -> Path:
        """Where results are kept. A quick run's, which mean nothing, do not take the place of an hour's."""
        return Path(self.out) if self.out else root / workspace.CACHE / ("bench-quick" if self.quick else "bench")


def bench(run: Run, settings: Settings, wanted: Wanted) -> None:
    """Measure and report. Raises BenchError for a topic that is none, and whatever keeps one from being measured."""
    for topic in wanted.topics:
        if topic not in TOPICS:
            raise BenchError(f"There is no topic {topic}.", "", f"Name one of them: {', '.join(TOPICS)}")
    if not (wanted.rounds.isascii() and wanted.rounds.isdigit() and 0 < int(wanted.rounds) <= MOST_ROUNDS):
        raise BenchError(
            f"--rounds is {wanted.rounds}.", "It is how often each contestant is measured.", "From 1 to 100"
        )
    chosen = [topic for topic in TOPICS if topic in wanted.topics or not wanted.topics]
    if run.dry:
        print("Would measure", ", ".join(chosen) + ".")
        return
    folder = wanted.folder(settings.root)
    console = Console()
    found = results.load(folder)
    with connect.sdk_errors_as_ours():
        engine = connect.connect()

        def new() -> Bench:
            name = f"hd-{secrets.token_hex(4)}"
            return Bench(settings, engine, name, int(wanted.rounds), wanted.quick, free_port())

        here = machine.describe(new())
        for name in chosen:
            module = cast("Topic", importlib.import_module(f"benchmarks.topics.{name}"))
            given = new()
            began = time.monotonic()
            measured = measure(module, given, console)
            if aside := results.set_aside(folder, here):
                says = f"Earlier results are of another machine, and were set aside: {aside}"
                console.print(f"! {says}", highlight=False, soft_wrap=True)
            found = results.keep(folder, here, name, results.of_topic(module, given, measured))
            console.print(f"[dim]{name}: {time.monotonic() - began:.0f} s[/]\n", highlight=False)
    report(found, folder, wanted, console)


def measure(topic: Topic, given: Bench, console: Console) -> list[Measured]:
    """Measure a topic, and show each of its cases when it is done; what it left on the engine is removed."""
    console.print(f"[bold]{results.told(topic)[0]}[/]", highlight=False)
    measured = []
    try:
        for each in harness.run(topic, given):
            show(each, console)
            measured.append(each)
    finally:
        given([*harness.INVOKE, "clean"])
        (given.settings.root / workspace.CACHE / f"{given.name}.lock").unlink(
            missing_ok=True
        )  # nobody has its name again
    for who, why in given.skipped:
        console.print(f"! Left out: {who}, {why}", highlight=False)
    return measured


def show(measured: Measured, console: Console) -> None:
    """A table of one case: a row a contestant; behind each figure what it is to the baseline's.

    Several tables, of as many metrics as find room, where the terminal is too narrow for all.
    """
    metrics = measured.case.metrics
    boundless = console.options.update(max_width=10_000)
    for parts in range(1, len(metrics) + 1):
        most = math.ceil(len(metrics) / parts)
        tables = [_table(measured, metrics[first : first + most]) for first in range(0, len(metrics), most)]
        if all(console.measure(table, options=boundless).maximum <= console.width for table in tables):
            break
    console.print(*tables, sep="\n")


def _table(measured: Measured, metrics: Sequence[Metric]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    size = f"{measured.case.size:,.0f} " if measured.case.size else ""
    table.add_column(f"{size}{measured.case.name}", min_width=30)
    for metric in metrics:
        table.add_column(metric.name, justify="right", no_wrap=True)
    for who in measured.case.contestants:
        table.add_row(who, *(_cell(measured, metric, who) for metric in metrics))
    return table


def _cell(measured: Measured, metric: Metric, who: str) -> str:
    value, ratio = measured.values[metric.name][who], measured.ratio(metric.name, who)
    spread = f" ± {results.written(value.spread, '')}" if value.spread else ""
    return results.written(value.median, metric.unit) + spread + ("" if ratio is None else f", {ratio:.2f}x")


def report(found: results.Data, folder: Path, wanted: Wanted, console: Console) -> None:
    """Draw the charts, where that is possible, write the document, where wanted, and say where everything is."""
    console.print(f"Results: {folder / results.NAME}", highlight=False, soft_wrap=True)
    drawn = find_spec("matplotlib") is not None
    if not drawn:
        console.print(f"! {CHARTS}", highlight=False, soft_wrap=True)
    else:
        from benchmarks import charts

        for topic, data in found["topics"].items():
            if data["cases"]:
                charts.draw(topic, data, folder)
        console.print(f"Charts: {folder}/*.png, *.svg", highlight=False, soft_wrap=True)
    if wanted.docs:
        if not drawn:
            raise BenchError("docs/benchmarks.md shows charts, and none can be drawn.", "", CHARTS.partition(": ")[2])
        _write_document(found, folder)
        console.print("Written: docs/benchmarks.md")


def _write_document(found: results.Data, folder: Path) -> None:
    docs = ROOT / "docs"
    for topic, data in found["topics"].items():
        for theme in ("", "-dark") if data["cases"] and not data["quick"] else ():
            picture = (folder / f"{topic}{theme}.svg").read_bytes()
            (docs / "pictures" / f"bench-{topic}{theme}.svg").write_bytes(picture)
    findings = (ROOT / "benchmarks" / "findings.md").read_text()
    (docs / "benchmarks.md").write_text(document.write(found, findings, "pictures"), encoding="utf-8")
