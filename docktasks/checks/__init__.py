"""What `verify` checks: named verdicts from probes, one module a group. Every check has a sabotage in tests/sabotage.

A check is a generator: each text it yields is evidence of a fault, and none means that it passed. One that cannot
judge raises Skip with the reason; a skip is never a pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from docktasks.checks.subject import Subject

Severity = Literal["critical", "major", "minor"]
Need = Literal["image", "container", "url"]


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


def all_checks() -> list[Check]:
    """Every check, in the order of its group: image, container, http."""
    from docktasks.checks import container, http, image

    loaded = (image, container, http)
    order = [module.__name__.rpartition(".")[2] for module in loaded]
    return sorted(REGISTRY.values(), key=lambda found: order.index(found.group))


def judge(subject: Subject, checks: Iterable[Check]) -> Iterator[Verdict]:
    """The verdicts, one after the other."""
    for each in checks:
        began = time.monotonic()
        outcome, evidence = _look(subject, each)
        yield Verdict(each, outcome, evidence, time.monotonic() - began)


def _look(subject: Subject, each: Check) -> tuple[Literal["pass", "fail", "skip"], tuple[str, ...]]:
    from httpx import HTTPError

    if not subject.has(each.needs):
        return "skip", (f"needs {'a running container' if each.needs == 'container' else f'an {each.needs}'}",)
    faults: list[str] = []
    try:
        faults.extend(each.look(subject))
    except Skip as reason:
        # extend keeps what came before: a fault that was found stands
        return ("fail", tuple(faults)) if faults else ("skip", (str(reason),))
    except HTTPError as error:
        return "fail", (f"{subject.url} does not answer: {str(error) or type(error).__name__}",)
    return ("fail" if faults else "pass"), tuple(faults)
