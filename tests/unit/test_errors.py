from __future__ import annotations

from docktasks.errors import DockError


def test_text_of_an_error_is_what_evidence_why_how() -> None:
    """The evidence is indented."""
    error = DockError("What.", "Why.", "How", evidence="\none\n\n  two  \n")
    assert str(error) == "What.\n    one\n    \n      two\nWhy.\nHow"


def test_text_of_an_error_has_no_empty_lines() -> None:
    """Evidence and reason may be missing."""
    assert str(DockError("What.", "Why.", "How")) == "What.\nWhy.\nHow"
    assert str(DockError("What.", "", "How", evidence=" \n")) == "What.\nHow"
