from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.fakes.apps import ROOT

ENGINE_TESTS = ROOT / "tests" / "engine"


@pytest.mark.parametrize("file", sorted(ENGINE_TESTS.rglob("test_*.py")), ids=lambda file: file.stem)
def test_every_file_of_engine_tests_belongs_to_a_session(file: Path) -> None:
    """noxfile.py names each file of tests/engine, or a folder that contains it. Other files would never run in CI."""
    path = file.relative_to(ENGINE_TESTS)
    paths = [path, *path.parents[:-1]]
    noxfile = (ROOT / "noxfile.py").read_text()
    assert any(f'"{name.as_posix()}"' in noxfile for name in paths)
