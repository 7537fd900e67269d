"""Fixtures of the benchmarks' tests."""

from __future__ import annotations

from typing import cast

import pytest

from benchmarks.harness import Bench
from docktasks.engine.client import DockerEngine
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine


@pytest.fixture
def a_bench(settings: Settings, engine: FakeEngine) -> Bench:
    """What a topic works with: three rounds, and an engine that is a fake."""
    return Bench(settings, cast("DockerEngine", engine), "hd-test", rounds=3)
