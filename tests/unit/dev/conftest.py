"""A project whose engine has the base image of node, and nothing else."""

from __future__ import annotations

import pytest

from docktasks.app.project import Project
from docktasks.containers import app_mount
from docktasks.dev import file_events
from docktasks.engine.models import Image
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner


@pytest.fixture(autouse=True)
def ordinary_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout that root does not own, on a file system that delivers events."""
    monkeypatch.setattr(app_mount, "user_for", lambda _engine, _app_dir: "1000:1000")
    monkeypatch.setattr(file_events, "possible_loss", lambda _engine, _app_dir: "")


@pytest.fixture
def engine() -> FakeEngine:
    """An engine with the base image of node."""
    return FakeEngine(images={"node:lts-alpine": Image("sha256:node", tags=("node:lts-alpine",))})


@pytest.fixture
def run(engine: FakeEngine) -> Runner:
    """A runner whose commands the engine obeys."""
    return Runner(engine)


@pytest.fixture
def project(run: Runner, engine: FakeEngine, settings: Settings) -> Project:
    """The project of the default settings on that engine."""
    return Project(run, engine, settings)
