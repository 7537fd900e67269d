from __future__ import annotations

import pytest

from docktasks import errors
from docktasks.errors import DockError


def test_the_text_says_what_then_evidence_then_why_then_how() -> None:
    """A reader finds what happened first, its evidence indented, then why, then how to fix it."""
    error = DockError("What.", "Why.", "How", evidence="\none\n\n  two  \n")
    assert str(error) == "What.\n    one\n    \n      two\nWhy.\nHow"


def test_no_empty_line_stands_for_what_is_missing() -> None:
    """Without evidence, or without a reason, nothing takes their place."""
    assert str(DockError("What.", "Why.", "How")) == "What.\nWhy.\nHow"
    assert str(DockError("What.", "", "How", evidence=" \n")) == "What.\nHow"


@pytest.mark.parametrize("kind", DockError.__subclasses__())
def test_the_hierarchy_stands_in_the_docstring(kind: type[DockError]) -> None:
    """Every error is drawn in the module's docstring, with the words of its own."""
    drawn = (errors.__doc__ or "").lower()
    first = (kind.__doc__ or "").strip().rstrip(".").lower()
    assert f"─ {kind.__name__.lower()} " in drawn
    assert first in drawn
