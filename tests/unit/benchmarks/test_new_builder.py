from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.harness import Bench
from benchmarks.new_builder import NewBuilder
from docktasks.commands import Result
from docktasks.errors import BenchError

BUILD = ["docker", "image", "build", "."]


class Recorder:
    """Records commands, and answers `docker system df` with a number of cache records."""

    def __init__(self, records: int = 0) -> None:
        self.records = records
        self.commands: list[str] = []

    def __call__(self, args: list[str], environ: Mapping[str, str]) -> Result:  # noqa: ARG002 - its type
        """Record one command."""
        self.commands.append(" ".join(args))
        return Result(0, f"Images: 2\nBuild Cache: {self.records}\n")


def builder_of(bench: Bench, recorder: Recorder) -> NewBuilder:
    """A new builder whose commands are recorded."""
    return NewBuilder(replace(bench, execute=recorder), Path("/caches"))


def test_build_imports_the_exported_cache_into_an_empty_builder(a_bench: Bench) -> None:
    """The builder is emptied before the build that is measured."""
    recorder = Recorder()
    builder = builder_of(a_bench, recorder)
    builder.export(BUILD, "ours")
    assert builder.build(BUILD, "ours")[0] > 0
    assert recorder.commands == [
        "docker image build . --network host --cache-to type=local,mode=max,dest=/caches/ours",
        "docker builder prune --all --force",
        "docker system df --format {{.Type}}: {{.TotalCount}}",
        "docker image build . --network host --cache-from type=local,src=/caches/ours",
    ]


def test_builder_that_is_not_empty_gives_no_figure(a_bench: Bench) -> None:
    """What is left in its cache would make the build faster."""
    recorder = Recorder(records=3)
    with pytest.raises(BenchError, match="not empty"):
        builder_of(a_bench, recorder).build(BUILD, "ours")
    assert not any("--cache-from" in command for command in recorder.commands)
