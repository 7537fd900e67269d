from __future__ import annotations

import re

import pytest

from tests.unit.fakes.apps import ROOT


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "engine").glob("test_*.py")), ids=lambda path: path.stem)
def test_every_file_of_engine_tests_is_run_by_a_session(path: object) -> None:
    """A new file that no session names would never run in CI."""
    name = re.sub(r".*/test_(\w+)\.py", r"\1", str(path))
    assert f'"{name}"' in (ROOT / "noxfile.py").read_text()
