"""Compose the tasks into a collection that `invoke --list` shows in the order of their use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from invoke.collection import Collection
from invoke.program import Program
from invoke.tasks import Task

from docktasks import streams


def compose(tasks: Sequence[Task[Any]]) -> Collection:
    """Return a collection of these tasks, which are listed in this order. From now on no closed output ends a task."""
    streams.protect()
    collection = Collection(*tasks)
    _list_in_order(list(collection.tasks))
    return collection


def _list_in_order(names: list[str]) -> None:
    """Make `invoke --list` show the tasks of these names first, in this order.

    Invoke 3 sorts the list by name and has no setting for it:
    https://github.com/pyinvoke/invoke/blob/3.0.3/invoke/program.py (_make_pairs)
    """
    make_pairs = Program._make_pairs  # noqa: SLF001 - the one place where the list is made
    positions = {name: position for position, name in enumerate(names)}

    def make_ordered_pairs(program: Program, *args: Any, **kwargs: Any) -> list[tuple[str, str | None]]:
        pairs = make_pairs(program, *args, **kwargs)
        return sorted(pairs, key=lambda pair: positions.get(pair[0], len(positions)))

    Program._make_pairs = make_ordered_pairs  # type: ignore[method-assign, assignment] # noqa: SLF001
