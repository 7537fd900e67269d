"""A swarm of three engines, and projects that deploy to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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

    @contextmanager
    def visitors(self, addresses: Sequence[str], count: int = 4) -> Iterator[Counter[str]]:
        """Let visitors load the site until the block ends. What they got is printed, for a test that fails."""
        counts: Counter[str] = Counter()
        try:
            with super().visitors(addresses, count) as counts:
                yield counts
        finally:
            print(counts)
            if counts["lost"]:
                print(*(path.read_text() for path in self.folder.glob("haproxy*.log")))
