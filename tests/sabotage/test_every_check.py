"""That nothing is missing: each check has a sabotage, and a healthy release passes them all."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from docktasks.engine.models import Image
from docktasks.verify.catalog import all_checks, run_checks
from tests.engine.support import Project, free_port
from tests.sabotage import test_browser, test_container, test_dev, test_http, test_image
from tests.sabotage.spoil import Sabotage, failed, start, subject_of

GROUPS = (test_image, test_container, test_http, test_dev, test_browser)
SABOTAGES = [sabotage for group in GROUPS for sabotage in group.SABOTAGES]


def test_every_check_has_a_sabotage() -> None:
    """A check that nothing here makes fail proves nothing: each registered one has a sabotage, and no id is unknown."""
    caught = {name for sabotage in SABOTAGES for name in sabotage.fails}
    assert caught == {check.id for check in all_checks()}
    assert all(sabotage.fails for sabotage in SABOTAGES)


def test_nothing_answers(good: Project, origin: Image) -> None:
    """Where nobody listens, every check of what a user gets fails, and says that nothing answers."""
    evidence = failed(subject_of(good, None, origin, f"http://127.0.0.1:{free_port()}"), ["http"])
    assert evidence.keys() == {check.id for check in all_checks() if check.group == "http"}
    assert all("does not answer" in lines[0] for lines in evidence.values())


@pytest.mark.usefixtures("chromium")
def test_healthy_release_passes_everything(spoiling: Project, origin: Image, made: ExitStack) -> None:
    """A good build, run as run-prod runs it, fails no check, and none is skipped; test_dev.py has the dev container."""
    spoiling.stage(origin.tags[0])
    container = start(spoiling, Sabotage("none", frozenset()), made)
    subject = subject_of(spoiling, container, spoiling.engine.image(spoiling.image))
    checks = [check for check in all_checks() if check.group != "dev"]
    outcomes = {verdict.check.id: (verdict.outcome, verdict.evidence) for verdict in run_checks(subject, checks)}
    subject.site.close()
    assert outcomes == dict.fromkeys([check.id for check in checks], ("pass", ()))
