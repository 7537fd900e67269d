"""A swarm of three engines, and projects that deploy to it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.fleet import MIGRATE, NODES, LocalFleet
from tests.support.project import ProjectUnderTest

__all__ = ["MIGRATE", "NODES", "FleetUnderTest"]


class FleetUnderTest(LocalFleet):
    """The swarm, outside of whose nodes the tasks of projects run."""

    def project(self, checkout: Path, **settings: str) -> ProjectUnderTest:
        """A project whose tasks use the manager."""
        project = ProjectUnderTest(self.connect(), checkout, **settings).with_prefix(*self.enter)
        project.environ["DOCKER_HOST"] = self.host()
        return project
