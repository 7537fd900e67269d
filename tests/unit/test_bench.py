from __future__ import annotations

import functools
import json
import pkgutil
import types
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from jsonschema import Draft202012Validator, ValidationError
from rich.console import Console

from benchmarks import bench, charts, document, generated, harness, hyperfine, peers, results, topics
from benchmarks.harness import ROOT, Bench, Case, Goal, Measured, Metric, Topic, Value
from benchmarks.topics import settings as nginx_settings
from docktasks.engine.client import DockerEngine
from docktasks.errors import BenchError
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

HYPERFINE = """#!/bin/sh
[ "$*" = "--shell none --runs 1 --style none true" ] && exit
file=; while [ $# -gt 1 ]; do [ "$1" = --export-json ] && file=$2; shift; done
eval "$1" && printf '{"results": [{"times": [1234.5]}]}' >"$file"
"""
"""One that says that everything takes 1234.5 s."""
RATE = Metric("requests", "/s", more=True)
SCHEMA = json.loads((ROOT / "docs" / "bench.schema.json").read_text())
HERE = {"processor": "fast", "cores": "2", "memory": "24 GB", "kernel": "6.1", "Docker": "26"}


class Clock:
    """A contestant whose measurements are known, and which notes when its turn was."""

    def __init__(self, name: str, log: list[str], *values: float | tuple[float, ...]) -> None:
        self.name, self.log, self.values = name, log, iter(values)

    def __call__(self) -> float | tuple[float, ...]:
        """The next value."""
        self.log.append(self.name)
        return next(self.values)


def raced(**given: object) -> Case:
    """Two contestants, a warm-up and three rounds."""
    log: list[str] = []
    sides = {"bare": Clock("bare", log, 9, 2, 4, 3), "ours": Clock("ours", log, 9, 1, 1.5, 8)}
    return Case("race", sides, baseline="bare", **given)  # type: ignore[arg-type]


@pytest.fixture
def a_bench(settings: Settings, engine: FakeEngine) -> Bench:
    """What a topic is given."""
    return Bench(settings, cast("DockerEngine", engine), "hd-test", rounds=3)


def topic(*cases: Case, log: list[str] | None = None) -> Topic:
    """A topic of these cases, which notes that it was tidied up."""

    def yielded(_bench: Bench) -> Iterator[Case]:
        try:
            yield from cases
        finally:
            (log if log is not None else []).append("tidy")

    return cast("Topic", types.SimpleNamespace(__doc__="A race.\n\nWho is first?\n", cases=yielded))


def test_contestants_take_turns_after_a_round_that_does_not_count() -> None:
    """A B A B: a slow spell hits them all."""
    case = raced()
    measured = harness.measure(case, 3)
    log = cast("Clock", case.contestants["ours"]).log
    assert log == ["bare", "ours"] * 4
    assert measured.values["time"]["bare"] == Value((2, 4, 3))
    assert measured.values["time"]["ours"] == Value((1, 1.5, 8))


def test_medians_and_their_ratio_and_spread() -> None:
    """One bad round moves neither."""
    measured = harness.measure(raced(), 3)
    assert measured.ratio("time", "ours") == 0.5
    assert measured.values["time"]["bare"].spread == 1.0
    assert Value((3,)).spread == 0
    assert harness.measure(Case("alone", {"ours": lambda: 1.0}), 1).ratio("time", "ours") is None


def test_a_quick_run_measures_each_once() -> None:
    """No warm-up, whatever the case asks for."""
    case = raced(rounds=3)
    harness.measure(case, 5, quick=True)
    assert cast("Clock", case.contestants["bare"]).log == ["bare", "ours"]


def test_a_measurement_may_have_several_metrics() -> None:
    """Each has its own samples."""
    case = Case("both", {"ours": Clock("ours", [], (1.0, 10.0), (3.0, 30.0))}, (harness.SECONDS, RATE), warm=False)
    assert harness.measure(case, 2).values["requests"]["ours"].median == 20


def test_a_topic_is_tidied_up_when_a_measurement_fails(a_bench: Bench) -> None:
    """What it set up goes, and the error comes."""

    def fails() -> float:
        raise BenchError("no", "", "")

    log: list[str] = []
    with pytest.raises(BenchError):
        list(harness.run(topic(Case("bad", {"ours": fails}), Case("never", {}), log=log), a_bench))
    assert log == ["tidy"]


def test_a_command_that_fails_ends_the_measurement(a_bench: Bench) -> None:
    """With what it said: a figure for something that did not happen would be a lie."""
    with pytest.raises(BenchError, match="failed, so nothing can be measured") as caught:
        a_bench.seconds(["sh", "-c", "echo the reason >&2; exit 3"])
    assert caught.value.evidence == "the reason"


@pytest.mark.parametrize("version", ["new", "old"])
def test_hyperfine_times_commands_where_it_can(
    tmp_path: Path, a_bench: Bench, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """One that knows no run without a shell is not used; one run at a turn, of the command as it is."""
    program = tmp_path / "hyperfine"
    program.write_text(HYPERFINE if version == "new" else "#!/bin/sh\nexit 2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    took = a_bench.seconds(["sh", "-c", f"echo 'a b' > {tmp_path}/ran"])
    assert (took == 1234.5) == (version == "new")
    assert (tmp_path / "ran").read_text() == "a b\n"


def test_a_command_that_fails_once_gives_no_figure(a_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it did before it failed would be missing in the time of another run."""
    monkeypatch.setattr(hyperfine, "installed", lambda: True)
    monkeypatch.setattr(hyperfine, "seconds", lambda *_: None)
    with pytest.raises(BenchError, match="failed once"):
        a_bench.seconds(["true"])


def test_without_hyperfine_commands_are_timed_all_the_same(a_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock."""
    monkeypatch.setattr(hyperfine, "installed", lambda: False)
    assert 0 < a_bench.seconds(["true"]) < harness.LIMIT


GOALS = (
    Goal("half", against="bare", most=0.5),
    Goal("a third", against="bare", most=1 / 3),
    Goal("under two", most=2),
    Goal("twice", against="bare", least=2),
    Goal("a little more", against="bare", most=1.15),
    Goal("of one who was skipped", ours="nobody", most=1),
)


def measured_data(a_bench: Bench, *cases: Case) -> results.Data:
    """A topic's data, through JSON and back."""
    a_bench.skip("Caddy", "not installed (apt-get install caddy)")
    found = list(harness.run(topic(*cases), a_bench))
    data: results.Data = json.loads(json.dumps(results.of_topic(topic(), a_bench, found)))
    return data


def kept(folder: Path, a_bench: Bench) -> results.Data:
    """What a run leaves in its file, read back."""
    results.keep(folder, HERE, "race", measured_data(a_bench, raced(goals=GOALS), grown(10), grown(100)))
    results.keep(folder, HERE, "nobody", measured_data(a_bench))
    return results.load(folder)


def validator() -> Draft202012Validator:
    """The documented schema, itself a valid one."""
    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_results_are_what_the_schema_describes(tmp_path: Path, a_bench: Bench) -> None:
    """Every key that is written is described, too."""
    found = kept(tmp_path, a_bench)
    validator().validate(found)
    topic, defined = found["topics"]["race"], SCHEMA["$defs"]
    case = topic["cases"][0]
    (metric,) = case["metrics"]
    written = {"topic": topic, "case": case, "metric": metric, "value": metric["values"]["ours"]}
    written["goal"] = case["goals"][0]
    assert {name: set(data) for name, data in written.items()} == {
        name: set(each["required"]) for name, each in defined.items()
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", 2),
        ("machine", {"cores": "2"}),
        ("topics/Race!", {}),
        ("topics/race/made", "yesterday"),
        ("topics/race/rounds", 0),
        ("topics/race/skipped/0", {"who": "Caddy"}),
        ("topics/race/cases/0/size", -1),
        ("topics/race/cases/0/metrics", []),
        ("topics/race/cases/0/goals/0/wanted", "less"),
        ("topics/race/cases/0/goals/0/met", None),
        ("topics/race/cases/0/metrics/0/values", {}),
        ("topics/race/cases/0/metrics/0/values/ours/median", None),
        ("topics/race/cases/0/metrics/0/values/ours/samples", []),
    ],
)
def test_the_schema_refuses_what_is_none_of_ours(tmp_path: Path, a_bench: Bench, path: str, value: object) -> None:
    """One thing at a time is spoiled."""
    found = kept(tmp_path, a_bench)
    *above, last = (int(step) if step.isdigit() else step for step in path.split("/"))
    functools.reduce(lambda data, step: data[step], above, found)[last] = value  # type: ignore[index]
    with pytest.raises(ValidationError):
        validator().validate(found)


def test_goals_are_told_met_or_missed(a_bench: Bench) -> None:
    """Against somebody, or as they are; those of who was skipped are left out."""
    goals = measured_data(a_bench, raced(goals=GOALS))["cases"][0]["goals"]
    assert [(goal["says"], goal["reached"], goal["met"]) for goal in goals] == [
        ("half", 0.5, True), ("a third", 0.5, False), ("under two", 1.5, True), ("twice", 0.5, False),
        ("a little more", 0.5, True),
    ]  # fmt: skip
    assert [goal["wanted"] for goal in goals] == ["≤ 0.5", "≤ 0.33", "≤ 2", "≥ 2", "≤ 1.15"]


def test_results_are_kept_topic_by_topic(tmp_path: Path, a_bench: Bench) -> None:
    """A later run of one topic keeps the others', after an upgrade of what is on the machine, too."""
    data = measured_data(a_bench, raced())
    folder = tmp_path / "results"
    results.keep(folder, HERE, "a", data)
    upgraded = HERE | {"kernel": "6.2", "Docker": "27", "wrk": "4"}
    assert results.set_aside(folder, upgraded) is None
    results.keep(folder, upgraded, "b", data)
    assert list(results.load(folder)["topics"]) == ["a", "b"]
    assert results.load(folder)["machine"] == upgraded


@pytest.mark.parametrize("title", results.IDENTITY)
def test_results_of_another_machine_are_set_aside(tmp_path: Path, a_bench: Bench, title: str) -> None:
    """Twice: each under a name of its own, as they were."""
    assert results.set_aside(tmp_path, HERE) is None
    for number in (1, 2):
        results.keep(tmp_path, HERE, "a", measured_data(a_bench, raced()))
        before = (tmp_path / results.NAME).read_text()
        aside = results.set_aside(tmp_path, HERE | {title: "other"})
        assert aside == tmp_path / f"results-{number}.json"
        assert aside.read_text() == before
        assert results.load(tmp_path)["topics"] == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 99}'])
def test_a_file_that_holds_no_results_is_left_alone(tmp_path: Path, text: str) -> None:
    """One clear message, before anything is measured."""
    (tmp_path / results.NAME).write_text(text)
    with pytest.raises(BenchError, match=r"results\.json"):
        results.load(tmp_path)
    assert (tmp_path / results.NAME).read_text() == text


@pytest.mark.parametrize(("power", "values"), [(1, [3, 30, 300]), (0, [7, 7, 7]), (2, [1, 100, 10_000])])
def test_the_slope_names_how_a_figure_grows(power: float, values: list[float]) -> None:
    """In proportion, not at all, with the square."""
    assert results.slope([10, 100, 1000], values) == pytest.approx(power)


def test_a_single_size_has_no_slope() -> None:
    """Nor has one whose figures are nothing."""
    assert results.slope([10], [1]) is None
    assert results.slope([10, 100], [0, 1]) is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.1234, "s", "0.123 s"),
        (12_345.6, "/s", "12,346/s"),
        (99.94, "ms", "99.9 ms"),
        (0.0004, "s", "0.0004 s"),
        (5, "B", "5 B"),
        (0, "", "0"),
    ],
)
def test_a_figure_is_told_with_three_digits(value: float, unit: str, text: str) -> None:
    """And its unit."""
    assert results.written(value, unit) == text


def grown(size: int) -> Case:
    """One size of a series."""
    return Case("modules", {"handbook": lambda: 1.0, "ours": lambda: size / 10}, baseline="handbook", size=size)


def test_the_document_tells_everything_that_was_measured(a_bench: Bench) -> None:
    """The machine, the goals, a table and a chart for each topic, slopes, and who was left out."""
    data = {
        "machine": {"cores": "2"},
        "topics": {"race": measured_data(a_bench, raced(goals=GOALS), grown(10), grown(100))},
    }
    text = document.write(data, "## What it taught\n", "pictures")
    for line in (
        "| cores | 2 |",
        "| half | race | 0.50 | ≤ 0.5 | met |",
        "| twice | race | 0.50 | ≥ 2 | **missed** |",
        "## A race",
        "Who is first?",
        "| ours | 1.5 s ± 3.5 | 0.50 |",
        "| 100 | ours | 10 s | 10.00 |",
        "- time over modules, slope: handbook 0.00, ours 1.00",
        "Left out: Caddy, not installed (apt-get install caddy).",
    ):
        assert line in text.splitlines(), line
    assert 'srcset="pictures/bench-race-dark.svg"' in text


def lived(size: int) -> Case:
    """One size of a series with more metrics."""
    return Case("lived", {"ours": lambda: (1.0, float(size))}, (harness.SECONDS, RATE), size=size, warm=False)


@pytest.mark.parametrize(
    "cases",
    [(raced(),), (grown(10), grown(100)), (grown(10), lived(10), grown(100), lived(100))],
    ids=["bars", "growth", "two series"],
)
def test_charts_are_drawn_for_light_and_dark(tmp_path: Path, a_bench: Bench, cases: tuple[Case, ...]) -> None:
    """As PNG and SVG; drawn twice they are the same, so that a document changes where figures do."""
    data = measured_data(a_bench, *cases)
    drawn = charts.draw("race", data, tmp_path)
    names = ["race-dark.png", "race-dark.svg", "race.png", "race.svg"]
    assert sorted(path.name for path in drawn) == names
    before = {path: path.read_bytes() for path in drawn}
    charts.draw("race", data, tmp_path)
    assert {path: path.read_bytes() for path in drawn} == before


def test_a_table_shows_who_and_what(a_bench: Bench) -> None:
    """Medians, spread, and ratios."""
    console = Console(width=100, record=True)
    bench.show(next(iter(harness.run(topic(raced()), a_bench))), console)
    assert "ours" in (text := console.export_text())
    assert "1.5 s ± 3.5" in text


@pytest.mark.parametrize(("width", "tables"), [(120, 1), (80, 2), (50, 4)])
def test_a_table_is_split_where_it_is_too_wide(width: int, tables: int) -> None:
    """No figure is cut, and none is wrapped."""
    metrics = tuple(Metric(f"metric {number}", "MB") for number in range(4))
    case = Case("8 clients", {"ours": lambda: (1.5, 2.5, 3.5, 4.5)}, metrics, "ours", warm=False)
    console = Console(width=width, record=True)
    bench.show(harness.measure(case, 1), console)
    lines = console.export_text().splitlines()
    assert len([line for line in lines if line.startswith("8 clients")]) == tables
    assert [line.count(" MB, 1.00x") for line in lines if line.startswith("ours")] == [4 // tables] * tables


def test_every_topic_is_named_and_says_what_it_measures() -> None:
    """A module that is not named would never be measured."""
    assert {module.name for module in pkgutil.iter_modules(topics.__path__)} == set(topics.TOPICS)
    for name in topics.TOPICS:
        module = pkgutil.resolve_name(f"benchmarks.topics.{name}")
        title, says = results.told(module)
        assert title, name
        assert says, name
        assert callable(module.cases)


@pytest.mark.parametrize("change", nginx_settings.CHANGES)
def test_each_setting_that_is_changed_is_there(change: str) -> None:
    """A directive that was renamed would else be measured unchanged."""
    assert nginx_settings.changed(*nginx_settings.CHANGES[change])


def test_a_setting_that_is_not_there_is_no_measurement() -> None:
    """It says which."""
    with pytest.raises(LookupError, match=r"nginx.conf has no 'nonsense on'"):
        nginx_settings.changed("nginx.conf", "nonsense on", "nonsense off")


def test_a_generated_app_has_the_size_that_was_asked_for(tmp_path: Path) -> None:
    """Every module is imported, and every file is there."""
    generated.write_modules(tmp_path / "app", 12, 3)
    assert len(list((tmp_path / "app/src").glob("part*.js"))) == 12
    assert (tmp_path / "app/src/main.js").read_text().count("import ") == 12
    assert len(list((tmp_path / "app/public").iterdir())) == 3


@pytest.mark.parametrize(
    "app",
    [generated.THIS, generated.of_components(3), generated.of_modules(3, 0)],
    ids=["this", "components", "modules"],
)
def test_an_app_to_edit_shows_its_text(tmp_path: Path, app: generated.App) -> None:
    """The file with the text is one that the app imports, and an edit is nothing but another text."""
    folder = tmp_path / "app"
    app.make(folder)
    app.edit(folder, "start")
    name = Path(app.edited).name
    assert any(f"'./{name}'" in path.read_text() for path in (folder / "src").glob("*.*") if path.name != name)
    before = (folder / app.edited).read_text()
    app.edit(folder, "another")
    assert (folder / app.edited).read_text() == before.replace("start", "another") != before


def test_who_is_left_out_of_several_cases_is_said_once(a_bench: Bench) -> None:
    """A topic may ask for each of its apps."""
    for _ in range(2):
        a_bench.skip("compose watch", "not installed")
    assert a_bench.skipped == [("compose watch", "not installed")]


def test_a_peer_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how it can be had."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "nodejs.org" in peers.missing("npm")
    assert "apt-get install caddy" in peers.missing("caddy")


@pytest.mark.parametrize(
    "wanted",
    [bench.Wanted(["nonsense"]), bench.Wanted(rounds="0"), bench.Wanted(rounds="many"), bench.Wanted(rounds="1e9")],
)
def test_what_cannot_be_measured_is_told_at_once(settings: Settings, wanted: bench.Wanted) -> None:
    """Before anything is."""
    with pytest.raises(BenchError):
        bench.bench(Runner(), settings, wanted)


def test_a_quick_run_leaves_other_results_alone(tmp_path: Path) -> None:
    """Unless it is told to put its own there."""
    assert bench.Wanted().folder(tmp_path) == tmp_path / ".cache/bench"
    assert bench.Wanted(quick=True).folder(tmp_path) == tmp_path / ".cache/bench-quick"
    assert bench.Wanted(quick=True, out="here").folder(tmp_path) == Path("here")


def test_where_matplotlib_is_missing_it_is_said_how_to_install_it(
    tmp_path: Path, a_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the report is there."""
    monkeypatch.setattr(bench, "find_spec", lambda _name: None)
    console = Console(width=200, record=True)
    found = {"topics": {"race": measured_data(a_bench, raced())}}
    bench.report(found, tmp_path, bench.Wanted(), console)
    assert "requirements-bench.lock" in console.export_text()
    with pytest.raises(BenchError, match="none can be drawn"):
        bench.report(found, tmp_path, bench.Wanted(docs=True), console)


def test_a_ratio_to_nobody_is_none() -> None:
    """A baseline that was skipped, or one that is nothing."""
    case = Case("one", {"ours": lambda: 0.0}, baseline="ours", warm=False)
    assert Measured(case, {"time": {"ours": Value((0.0,))}}).ratio("time", "ours") is None
