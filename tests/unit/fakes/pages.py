"""Pages that a browser has seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from docktasks.verify.probes.page_events import Event, PageSnapshot


def with_events(page: PageSnapshot, **changes: Any) -> PageSnapshot:
    """Return the page with these changes. Keywords with tuples are events, by their kind."""
    kinds = {name: value for name, value in changes.items() if isinstance(value, tuple)}
    others = {name: value for name, value in changes.items() if name not in kinds}
    names: Any = kinds.items()
    return replace(page, events=tuple(Event(kind, text) for kind, texts in names for text in texts), **others)
