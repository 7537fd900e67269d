from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import image_contents
from benchmarks.harness import Bench
from benchmarks.image_contents import read_contents
from docktasks.commands import Result
from docktasks.engine.models import Image
from tests.unit.fakes.engine import FakeEngine


@pytest.mark.parametrize(
    ("printed", "texts"),
    [
        ("v26.1.0\n11.2.1\n1177\n40\n0\n", ["26.1.0", "11.2.1", "1,177", "40", "uid 0 (root)", "2"]),
        ("\n\n0\n0\n101\n", ["none", "none", "none", "none", "uid 101", "2"]),
    ],
)
def test_contents_of_an_image_are_read_from_what_a_container_prints(
    a_bench: Bench, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, printed: str, texts: list[str]
) -> None:
    """What is missing is shown as none."""
    commands: list[list[str]] = []

    def execute(args: list[str], _environ: object) -> Result:
        commands.append(args)
        return Result(0, printed)

    monkeypatch.setattr(engine, "image", lambda reference: Image(reference, layers=("a", "b")))
    assert list(read_contents(replace(a_bench, execute=execute), "shop:prod").values()) == texts
    assert commands == [image_contents.script_args("shop:prod")]
