from __future__ import annotations

import pytest

from benchmarks import harness
from benchmarks.harness import Bench
from benchmarks.topics import first_load
from docktasks.verify import chromium_path


def test_first_load_without_a_browser_is_skipped(a_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A count of the files that the HTML names would be another figure. The reason says how to install one."""
    monkeypatch.setattr(chromium_path, "find_chromium", lambda _configured: "")
    assert list(harness.run(first_load, a_bench)) == []
    assert a_bench.skipped == [harness.Skipped("all", first_load.NO_BROWSER)]
    assert "invoke setup --browser" in first_load.NO_BROWSER
