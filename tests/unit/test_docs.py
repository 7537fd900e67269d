from __future__ import annotations

import re

import pytest

import tasks
from docktasks.verify.catalog import CHECKS, GROUPS
from docktasks.verify.registry import Check
from docs import checks
from tests.unit.fakes.apps import ROOT


def test_page_of_the_checks_is_current() -> None:
    """A change of a check needs the page to be written again."""
    current = checks.PAGE.read_text(encoding="utf-8") == checks.page(CHECKS)
    assert current, "docs/checks.md is not current. Write it again: python docs/checks.py"


def test_page_of_the_checks_introduces_every_group() -> None:
    """A new group needs a sentence."""
    assert set(GROUPS) <= set(checks.GROUPS)


@pytest.mark.parametrize("text", ["a|b", "<base>", "[x](y)", "a*b*", "_a_", "`", "\\"])
def test_page_of_the_checks_escapes_markdown(text: str) -> None:
    """A cell keeps its borders, and shows the text as it is."""
    check = Check("http.x", text, "minor", text, lambda _subject: [])
    (row,) = [line for line in checks.page([check]).splitlines() if line.startswith("| `http.x`")]
    cell = row.split(" | ", 3)[3]
    escaped = "".join(f"\\{letter}" if letter in "\\|*_`<[" else letter for letter in text)
    assert cell == f"{escaped} | {escaped} |"


@pytest.mark.parametrize("path", ["docs/tasks.md", "hello-dock/src/tasks.js"])
def test_page_of_the_tasks_has_every_task(path: str) -> None:
    """The document and hello-dock's page list what `invoke --list` lists, and nothing else."""
    line = r"(?m)^(?:\| `|\s+\{ command: ')invoke ([a-z][a-z-]*)[ `']"
    listed = re.findall(line, (ROOT / path).read_text(encoding="utf-8"))
    assert set(listed) == set(tasks.namespace.task_names)
