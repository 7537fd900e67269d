from __future__ import annotations

import re

from tests.support.project import ProjectUnderTest


def test_setup_with_an_engine_changes_nothing(built_project: ProjectUnderTest) -> None:
    """Where an engine with BuildKit answers, `invoke setup` prints the versions and runs no command."""
    output = built_project.succeeds("setup")
    assert re.fullmatch(r"Docker Engine \S+ answers\. BuildKit: buildx \S+\.", output.strip())


def test_setup_does_not_replace_an_engine_that_was_chosen(built_project: ProjectUnderTest) -> None:
    """`invoke setup` names the engine of DOCKER_HOST that does not answer, and installs no other."""
    output = built_project.fails("setup", DOCKER_HOST="tcp://127.0.0.1:9")
    assert "No Docker engine answers" in output
    assert "unset DOCKER_HOST" in output
    assert "apt-get" not in output
