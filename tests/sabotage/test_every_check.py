"""Each check has a sabotage, and a healthy release passes all checks."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from benchmarks.network import free_port
from docktasks.engine.models import Image
from docktasks.verify.catalog import CHECKS, run_checks
from tests.sabotage import test_browser, test_container, test_dev, test_http, test_http_places, test_image
from tests.sabotage.faults import Sabotage, failures, start, subject_of
from tests.support.project import ProjectUnderTest

GROUPS = (test_image, test_container, test_http, test_http_places, test_dev, test_browser)
SABOTAGES = [sabotage for group in GROUPS for sabotage in group.SABOTAGES]


def test_every_check_has_a_sabotage() -> None:
    """A check that cannot fail proves nothing. No sabotage names an unknown check."""
    caught = {name for sabotage in SABOTAGES for name in sabotage.fails}
    assert caught == {check.id for check in CHECKS}
    assert all(sabotage.fails for sabotage in SABOTAGES)


def test_address_without_a_server_fails_once(built_project: ProjectUnderTest, built_image: Image) -> None:
    """The evidence is that nothing answers. The other checks are skipped with that reason."""
    evidence = failures(subject_of(built_project, None, built_image, f"http://127.0.0.1:{free_port()}"), ["http"])
    assert evidence.keys() == {"http.answers"}
    assert "does not answer" in evidence["http.answers"][0]


@pytest.mark.long  # a sabotage shows that its group's other checks pass; tests/engine/verify has a healthy release
@pytest.mark.usefixtures("chromium")
def test_healthy_release_passes_every_check(
    sabotaged_project: ProjectUnderTest, built_image: Image, cleanup: ExitStack
) -> None:
    """No check fails or is skipped on a build that runs as run-prod runs it. test_dev.py has the dev container."""
    sabotaged_project.stage(built_image.tags[0])
    container = start(sabotaged_project, Sabotage("none", frozenset()), cleanup)
    subject = subject_of(sabotaged_project, container, sabotaged_project.engine.image(sabotaged_project.image))
    checks = [check for check in CHECKS if check.group != "dev"]
    outcomes = {verdict.check.id: (verdict.outcome, verdict.evidence) for verdict in run_checks(subject, checks)}
    subject.site.close()
    assert outcomes == dict.fromkeys([check.id for check in checks], ("pass", ()))
