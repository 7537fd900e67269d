from __future__ import annotations

import pytest

from docktasks.verify.catalog import CHECKS, GROUPS
from docktasks.verify.registry import Check
from docs import checks


def test_the_checks_are_documented_as_they_are() -> None:
    """Who changes a check writes the page anew."""
    current = checks.PAGE.read_text(encoding="utf-8") == checks.page(CHECKS)
    assert current, "docs/checks.md is not current. Write it anew: python docs/checks.py"


def test_every_group_has_a_word() -> None:
    """A new group is introduced, too."""
    assert set(GROUPS) <= set(checks.GROUPS)


@pytest.mark.parametrize("text", ["a|b", "<base>", "[x](y)", "a*b*", "_a_", "`", "\\"])
def test_what_a_check_says_stays_text(text: str) -> None:
    """A cell keeps its borders, and shows what it was given."""
    check = Check("http.x", text, "minor", text, lambda _subject: [])
    (row,) = [line for line in checks.page([check]).splitlines() if line.startswith("| `http.x`")]
    cell = row.split(" | ", 3)[3]
    escaped = "".join(f"\\{letter}" if letter in "\\|*_`<[" else letter for letter in text)
    assert cell == f"{escaped} | {escaped} |"
