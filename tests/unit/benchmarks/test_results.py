from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from benchmarks import results
from benchmarks.checkout import ROOT
from benchmarks.harness import Bench
from docktasks.errors import BenchError
from tests.unit.benchmarks.samples import GOALS, MACHINE, of_size, race, topic_data

SCHEMA = json.loads((ROOT / "docs" / "bench.schema.json").read_text())


def stored_results(folder: Path, bench: Bench) -> results.Data:
    """What a run writes to its file, read again."""
    results.store(folder, MACHINE, "race", topic_data(bench, race(goals=GOALS), of_size(10), of_size(100)))
    results.store(folder, MACHINE, "empty", topic_data(bench))
    return results.load(folder)


def validator() -> Draft202012Validator:
    """The documented schema, after a check that it is a valid schema."""
    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_results_match_the_documented_schema(tmp_path: Path, a_bench: Bench) -> None:
    """The schema accepts the results, and describes every key in them."""
    data = stored_results(tmp_path, a_bench)
    validator().validate(data)
    topic, definitions = data["topics"]["race"], SCHEMA["$defs"]
    case = topic["cases"][0]
    (metric,) = case["metrics"]
    objects = {"topic": topic, "case": case, "metric": metric, "value": metric["values"]["ours"]}
    objects["goal"] = case["goals"][0]
    assert {name: set(keys) for name, keys in objects.items()} == {
        name: set(definition["required"]) for name, definition in definitions.items()
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", 1),
        ("machine", {"cores": "2"}),
        ("topics/Race!", {}),
        ("topics/race/date", "yesterday"),
        ("topics/race/rounds", 0),
        ("topics/race/skipped/0", {"contestant": "Caddy"}),
        ("topics/race/cases/0/size", -1),
        ("topics/race/cases/0/metrics", []),
        ("topics/race/cases/0/goals/0/limit", "less"),
        ("topics/race/cases/0/goals/0/met", None),
        ("topics/race/cases/0/metrics/0/values", {}),
        ("topics/race/cases/0/metrics/0/values/ours/median", None),
        ("topics/race/cases/0/metrics/0/values/ours/samples", []),
    ],
)
def test_schema_refuses_results_with_one_wrong_value(tmp_path: Path, a_bench: Bench, path: str, value: object) -> None:
    """The schema is strict enough to find a fault."""
    data = stored_results(tmp_path, a_bench)
    *parents, key = (int(step) if step.isdigit() else step for step in path.split("/"))
    functools.reduce(lambda node, step: node[step], parents, data)[key] = value  # type: ignore[index]
    with pytest.raises(ValidationError):
        validator().validate(data)


def test_goals_are_met_or_missed(a_bench: Bench) -> None:
    """A goal limits a ratio or a figure. A goal of a skipped contestant is left out."""
    goals = topic_data(a_bench, race(goals=GOALS))["cases"][0]["goals"]
    assert [(goal["text"], goal["reached"], goal["met"]) for goal in goals] == [
        ("half", 0.5, True), ("a third", 0.5, False), ("under two", 1.5, True), ("twice", 0.5, False),
        ("a little more", 0.5, True),
    ]  # fmt: skip
    assert [goal["limit"] for goal in goals] == ["≤ 0.5", "≤ 0.33", "≤ 2", "≥ 2", "≤ 1.15"]


def test_results_of_other_topics_stay(tmp_path: Path, a_bench: Bench) -> None:
    """A later run of one topic keeps the other topics, also after an upgrade of the machine's programs."""
    data = topic_data(a_bench, race())
    folder = tmp_path / "results"
    results.store(folder, MACHINE, "a", data)
    upgraded = MACHINE | {"kernel": "6.2", "Docker": "27", "wrk": "4"}
    assert results.set_aside_other_machine(folder, upgraded) is None
    results.store(folder, upgraded, "b", data)
    assert list(results.load(folder)["topics"]) == ["a", "b"]
    assert results.load(folder)["machine"] == upgraded


@pytest.mark.parametrize("title", results.MACHINE_IDENTITY)
def test_results_of_another_machine_are_set_aside(tmp_path: Path, a_bench: Bench, title: str) -> None:
    """Each time the file gets a new name, and its content stays the same."""
    assert results.set_aside_other_machine(tmp_path, MACHINE) is None
    for number in (1, 2):
        results.store(tmp_path, MACHINE, "a", topic_data(a_bench, race()))
        before = (tmp_path / results.FILE_NAME).read_text()
        path = results.set_aside_other_machine(tmp_path, MACHINE | {title: "other"})
        assert path == tmp_path / f"results-{number}.json"
        assert path.read_text() == before
        assert results.load(tmp_path)["topics"] == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 99}', '{"schema": 1}'])
def test_file_without_results_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    """The error names the file, and the file is not overwritten."""
    (tmp_path / results.FILE_NAME).write_text(text)
    with pytest.raises(BenchError, match=r"results\.json"):
        results.load(tmp_path)
    assert (tmp_path / results.FILE_NAME).read_text() == text


@pytest.mark.parametrize(("power", "values"), [(1, [3, 30, 300]), (0, [7, 7, 7]), (2, [1, 100, 10_000])])
def test_slope_is_the_power_of_the_growth(power: float, values: list[float]) -> None:
    """A slope of 1 is in proportion, 0 is no growth, 2 is the square."""
    assert results.slope([10, 100, 1000], values) == pytest.approx(power)


def test_slope_needs_two_positive_values() -> None:
    """Neither one size nor a figure of 0 gives a line."""
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
        (41_517.0, "B", "41.5 kB"),
        (0, "", "0"),
    ],
)
def test_value_is_formatted_with_three_digits(value: float, unit: str, text: str) -> None:
    """The unit follows the number."""
    assert results.formatted(value, unit) == text


def test_slope_of_nothing_has_no_minus() -> None:
    """A slope that rounds to 0 is not negative."""
    assert (results.formatted_slope(-0.001), results.formatted_slope(-0.02)) == ("0.00", "-0.02")
