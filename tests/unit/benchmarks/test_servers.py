from __future__ import annotations

import pytest

from benchmarks import servers


def test_missing_program_is_named_with_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason says how to install it."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "nodejs.org" in servers.missing("npm")
    assert "apt-get install caddy" in servers.missing("caddy")
