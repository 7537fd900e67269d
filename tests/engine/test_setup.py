from __future__ import annotations

import re

from tests.engine.support import Project


def test_engine_that_answers_is_left_alone(good: Project) -> None:
    """With an engine and BuildKit there, setup says which, and runs nothing."""
    output = good.does("setup")
    assert re.fullmatch(r"Docker Engine \S+ answers; BuildKit through buildx \S+\.", output.strip())


def test_chosen_engine_that_does_not_answer(good: Project) -> None:
    """An engine that was chosen and does not answer is named; nothing is installed in its place."""
    output = good.fails("setup", DOCKER_HOST="tcp://127.0.0.1:9")
    assert "No Docker engine answers" in output
    assert "unset DOCKER_HOST" in output
    assert "apt-get" not in output
