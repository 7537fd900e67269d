from __future__ import annotations

import pytest

from docktasks import errors
from docktasks.errors import DockError


def test_text_of_an_error_is_what_evidence_why_how() -> None:
    """The evidence is indented."""
    error = DockError("What.", "Why.", "How", evidence="\none\n\n  two  \n")
    assert str(error) == "What.\n    one\n    \n      two\nWhy.\nHow"


def test_text_of_an_error_has_no_empty_lines() -> None:
    """Evidence and reason may be missing."""
    assert str(DockError("What.", "Why.", "How")) == "What.\nWhy.\nHow"
    assert str(DockError("What.", "", "How", evidence=" \n")) == "What.\nHow"


@pytest.mark.parametrize("kind", DockError.__subclasses__())
def test_docstring_of_the_module_draws_the_hierarchy(kind: type[DockError]) -> None:
    """Every error is in the drawing, with the words of its own docstring."""
    drawn = (errors.__doc__ or "").lower()
    first = (kind.__doc__ or "").strip().rstrip(".").lower()
    assert f"─ {kind.__name__.lower()} " in drawn
    assert first in drawn
