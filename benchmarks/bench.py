"""`invoke bench`: measures the topics, and reports JSON, tables, charts, and docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile

from rich.console import Console

from benchmarks import harness, machine, markdown, results, tables
from benchmarks.checkout import ROOT
from benchmarks.harness import Bench, Measured
from benchmarks.leftovers import held_names
from benchmarks.network import free_port
from benchmarks.topics import TOPICS
from docktasks import workspace
from docktasks.commands import Run
from docktasks.engine import connect
from docktasks.errors import BenchError
from docktasks.progress import Progress
from docktasks.settings import Settings

MAX_ROUNDS = 100
QUICK_NOTICE = "! A quick run: it shows that the measurement works. Its figures mean nothing."
INSTALL_CHARTS = ".venv/bin/uv pip install --require-hashes --requirement .ci/requirements-bench.lock"


@dataclass(frozen=True)
class BenchOptions:
    """What to measure: names of topics (all without a name), how thoroughly, and the number of rounds as typed.

    `out` is the folder for results. `docs` also writes docs/benchmarks.md.
    """

    topics: Sequence[str] = ()
    quick: bool = False
    rounds: str = "5"
    out: str = ""
    docs: bool = False

    def folder(self, root: Path) -> Path:
        """The folder for results. A quick run has its own, because its figures mean nothing."""
        return Path(self.out) if self.out else root / workspace.CACHE / ("bench-quick" if self.quick else "bench")

    def chosen_topics(self) -> list[str]:
        """The names of the topics to measure, in the order of TOPICS. Raises BenchError for a wrong option."""
        for name in self.topics:
            if name not in TOPICS:
                raise BenchError(f"There is no topic {name}.", "", f"Name one of these: {', '.join(TOPICS)}")
        if not (self.rounds.isascii() and self.rounds.isdigit() and 0 < int(self.rounds) <= MAX_ROUNDS):
            why = "It says how often each contestant is measured."
            raise BenchError(f"--rounds is {self.rounds}.", why, f"Give a number from 1 to {MAX_ROUNDS}")
        if self.quick and self.docs:
            why = "The figures of a quick run mean nothing."
            raise BenchError("--docs and --quick exclude each other.", why, "Leave one of them out")
        return [name for name in TOPICS if name in self.topics or not self.topics]


def bench(run: Run, settings: Settings, progress: Progress, options: BenchOptions) -> None:
    """Measure and report. Raises BenchError for a wrong option, and DockError when a measurement fails."""
    names = options.chosen_topics()
    if run.dry:
        print("Would measure", ", ".join(names) + ".")
        return
    folder = options.folder(settings.root)
    if options.quick:
        Console(quiet=progress.quiet).print(QUICK_NOTICE, highlight=False)
    data = results.load(folder)
    _require_folder(folder)
    engine = connect.connect()
    with connect.sdk_errors_as_ours(), held_names(run, engine, settings) as new_held_name:

        def new_bench() -> Bench:
            name = new_held_name()
            return Bench(settings, engine, name, int(options.rounds), options.quick, free_port())

        facts = machine.describe(new_bench())
        for name in names:
            data = _measure_and_store(name, new_bench(), folder, facts, Console(quiet=progress.quiet))
            progress(f"measured {name}")
    report(data, folder, options, Console())


def _require_folder(folder: Path) -> None:
    """Make the folder for results before anything is measured. Raises BenchError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        what = f"No result can be written to {folder}: {error.strerror}."
        raise BenchError(what, "", "Name another folder: --out=DIR") from error


def _measure_and_store(name: str, bench: Bench, folder: Path, facts: dict[str, str], console: Console) -> results.Data:
    """Measure a topic, and add its data to the results in the folder. Returns all results."""
    measured = _measure(name, bench, console)
    if path := results.set_aside_other_machine(folder, facts):
        console.print(f"! Results of another machine were moved to {path}", highlight=False, soft_wrap=True)
    return results.store(folder, facts, name, results.of_topic(TOPICS[name], bench, measured))


def _measure(name: str, bench: Bench, console: Console) -> list[Measured]:
    """Measure a topic, and print each case as soon as it is measured. Removes what the topic leaves on the engine."""
    console.print(f"[bold]{results.title_and_text(TOPICS[name])[0]}[/]", highlight=False)
    measured = []
    try:
        for case in harness.run(TOPICS[name], bench):
            tables.print_case(case, console)
            measured.append(case)
    finally:
        if any(look(bench.name) for look in (bench.engine.containers, bench.engine.images, bench.engine.volumes)):
            bench([*harness.INVOKE, "clean"])
        # No later project has this name.
        (bench.settings.root / workspace.CACHE / f"{bench.name}.lock").unlink(missing_ok=True)
    for contestant, reason in bench.skipped:
        console.print(f"! Left out: {contestant}, {reason}", highlight=False)
    return measured


def report(data: results.Data, folder: Path, options: BenchOptions, console: Console) -> None:
    """Draw the charts and, with --docs, write the document. Raises BenchError for --docs without matplotlib."""
    console.print(f"Results: {folder / results.FILE_NAME}", highlight=False, soft_wrap=True)
    if options.quick:  # a chart of figures that mean nothing would only mislead
        console.print(QUICK_NOTICE, highlight=False)
        return
    if find_spec("matplotlib") is None:
        if options.docs:
            raise BenchError("docs/benchmarks.md needs charts, and matplotlib is not installed.", "", INSTALL_CHARTS)
        text = f"! Charts are left out: matplotlib is not installed: {INSTALL_CHARTS}"
        console.print(text, highlight=False, soft_wrap=True)
        return
    _draw_charts(data, folder)
    console.print(f"Charts: {folder}/*.png, *.svg", highlight=False, soft_wrap=True)
    if options.docs:
        _write_document(data, folder)
        console.print("Written: docs/benchmarks.md")


def _draw_charts(data: results.Data, folder: Path) -> None:
    from benchmarks import charts  # it needs matplotlib

    for name, topic in data["topics"].items():
        if topic["cases"] and not topic["quick"]:
            charts.draw(name, topic, folder)


def _write_document(data: results.Data, folder: Path) -> None:
    """Write docs/benchmarks.md, and copy the charts that it shows. It shows none of a quick run."""
    docs = ROOT / "docs"
    for name, topic in data["topics"].items():
        for theme in ("", "-dark") if topic["cases"] and not topic["quick"] else ():
            picture = (folder / f"{name}{theme}.svg").read_bytes()
            (docs / "pictures" / f"bench-{name}{theme}.svg").write_bytes(picture)
    findings = (ROOT / "benchmarks" / "findings.md").read_text()
    (docs / "benchmarks.md").write_text(markdown.write(data, findings, "pictures"), encoding="utf-8")
