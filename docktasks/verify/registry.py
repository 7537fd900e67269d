"""A check, its verdict, and the decorator that registers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from docktasks.verify.subject import Need, Subject

Severity = Literal["critical", "major", "minor"]


class Skip(Exception):  # noqa: N818 - a verdict, not an error
    """The check cannot judge this subject, for the reason given."""


@dataclass(frozen=True)
class Check:
    """One check: `asserts` in one line, what it `needs` of the subject, and the `fix` for whoever fails it."""

    id: str
    asserts: str
    severity: Severity
    needs: Need
    fix: str
    look: Callable[[Subject], Iterable[str]]

    @property
    def group(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]


@dataclass(frozen=True)
class Verdict:
    """What a check found: `evidence` the faults of a failure, or the reason of a skip. `seconds` it took."""

    check: Check
    outcome: Literal["pass", "fail", "skip"]
    evidence: tuple[str, ...]
    seconds: float


REGISTRY: dict[str, Check] = {}


def check(
    name: str, *, severity: Severity, needs: Need, fix: str
) -> Callable[[Callable[[Subject], Iterator[str]]], Callable[[Subject], Iterator[str]]]:
    """Register a check under an id; its docstring's first line is what it asserts."""

    def register(look: Callable[[Subject], Iterator[str]]) -> Callable[[Subject], Iterator[str]]:
        asserts = (look.__doc__ or "").strip().splitlines()[0]
        REGISTRY[name] = Check(name, asserts, severity, needs, fix, look)
        return look

    return register
