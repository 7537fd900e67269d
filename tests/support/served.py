"""Wait until a dev server serves what a test has written."""

from __future__ import annotations

from docktasks.waiting import Probe, wait_until
from tests.support.project import ProjectUnderTest


def served(project: ProjectUnderTest, path: str, text: str) -> None:
    """Fetch a module until it has a text."""

    def look() -> Probe:
        answer = project.get(path, "dev").text
        return Probe(text in answer, answer[:300])

    probe = wait_until(look, limit=30)
    assert probe.ready, probe.status
