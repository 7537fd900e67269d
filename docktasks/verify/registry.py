"""A check, its verdict, and the decorator that makes a function a check. The catalogue lists all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from docktasks.verify.subject import Need, Subject

Severity = Literal["critical", "major", "minor"]
Outcome = Literal["pass", "fail", "skip"]

MAX_PLACES = 3
"""How many places of a fault its finding names."""
NEEDS: dict[str, Need] = {"image": "image", "container": "container", "http": "url", "dev": "dev", "browser": "browser"}
"""Group -> what its checks need of the subject. In the order in which groups are shown: what is built comes first."""


class Note(str):
    """A line of a check that is no fault, such as advice, or how old the data is that it judges by."""

    __slots__ = ()


@dataclass(frozen=True)
class Check:
    """One check. `id` is `<group>.<name>`, `summary` says in one sentence what is right, `fix` what to do if it fails.

    `function` yields a line of evidence for each fault. If it yields none, or only notes, it passes. It may raise Skip.
    """

    id: str
    summary: str
    severity: Severity
    fix: str
    function: Callable[[Subject], Iterable[str]]

    @property
    def group(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]

    @property
    def needs(self) -> Need:
        """What the subject must have; the check is skipped without it."""
        return NEEDS[self.group]


@dataclass(frozen=True)
class Verdict:
    """The result of a check: `evidence` has the faults, or the reason of a skip; `seconds` is how long it took."""

    check: Check
    outcome: Outcome
    evidence: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def finding(self) -> str:
        """What was found, in one line: the fault of the most places (`/a.js: no ETag`), or the first."""
        places: dict[str, list[str]] = {}
        for line in self.evidence:
            place, _, fault = line.partition(": ")
            places.setdefault(fault or line, []).append(place)
        fault, same = max(places.items(), key=lambda item: len(item[1]), default=("", []))
        named = "; ".join([*same[:MAX_PLACES], *(["…"] if len(same) > MAX_PLACES else [])])
        text = f"{fault}, in {len(same):,} places: {named}" if len(same) > 1 else "".join(self.evidence[:1])
        more = len(self.evidence) - len(same)
        return f"{text} (and {more:,} more)" if more else text


def check(check_id: str, severity: Severity, fix: str) -> Callable[[Callable[[Subject], Iterator[str]]], Check]:
    """Make a function a Check. The first line of its docstring is the summary."""

    def make_check(function: Callable[[Subject], Iterator[str]]) -> Check:
        return Check(check_id, (function.__doc__ or "").splitlines()[0], severity, fix, function)

    return make_check
