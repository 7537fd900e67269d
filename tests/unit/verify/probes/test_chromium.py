from __future__ import annotations

import pytest

from docktasks.verify.probes.page_events import PageSnapshot, first_line


def test_first_line_is_of_bounded_length() -> None:
    """A page may write anything to the console, of any length."""
    assert first_line("\n\nTypeError: x\n    at y") == "TypeError: x"
    assert len(first_line("x" * 100_000)) == 300
    assert first_line("") == ""


@pytest.mark.parametrize(
    ("snapshot", "is_ok"),
    [
        (PageSnapshot("/", 200, has_content=True), True),
        (PageSnapshot("/about", 0, has_content=True), True),
        (PageSnapshot("/", 200), False),
        (PageSnapshot("/", 404, has_content=True), False),
    ],
)
def test_page_is_ok_with_content_and_without_an_error(snapshot: PageSnapshot, *, is_ok: bool) -> None:
    """Status 0 is a page that came without a request."""
    assert snapshot.is_ok is is_ok
