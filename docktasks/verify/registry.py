"""A check, its verdict, and the decorator that makes a function a check. The catalogue lists all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from docktasks.command_names import spelled
from docktasks.verify.subject import Need, Subject

Severity = Literal["critical", "major", "minor"]
Outcome = Literal["pass", "fail", "advice", "skip"]
SEVERITIES: tuple[Severity, ...] = ("minor", "major", "critical")
"""From the least to the worst."""

MAX_PLACES = 3
"""How many places of a fault its finding names."""
NEEDS: dict[str, Need] = {"image": "image", "container": "container", "http": "url", "dev": "dev", "browser": "browser"}
"""Group -> what its checks need of the subject. In the order in which groups are shown: what is built comes first."""


class Note(str):
    """A line of a check that is no fault, such as advice, or how old the data is that it judges by."""

    __slots__ = ()


class Major(str):
    """A fault that is major, in a check whose other faults are worse."""

    __slots__ = ()


class Minor(str):
    """A fault that is minor, in a check whose other faults are worse."""

    __slots__ = ()


LESSER: dict[type[str], Severity] = {Major: "major", Minor: "minor"}
"""The severity of a line of evidence. That of a plain line is the check's."""


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
    is_of_app: bool = False
    """True if its faults are those of the app's own pages, which neither the image nor the server causes."""

    @property
    def group(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]

    @property
    def section(self) -> str:
        """The group, in two parts if some of its faults are the app's own."""
        return f"{self.group}, the app's own" if self.is_of_app else self.group

    @property
    def needs(self) -> Need:
        """What the subject must have; the check is skipped without it."""
        return NEEDS[self.group]


@dataclass(frozen=True)
class Verdict:
    """The result of a check: `evidence` has the faults, or the reason of a skip; `seconds` is how long it took.

    The outcome `advice` is a fault that is less than --fail-on.
    """

    check: Check
    outcome: Outcome
    evidence: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """That of the worst fault; the check's without one."""
        return max(map(self._severity_of, self.evidence), key=SEVERITIES.index, default=self.check.severity)

    def _severity_of(self, line: str) -> Severity:
        return LESSER.get(type(line), self.check.severity)

    def judged(self, fail_on: Severity) -> Verdict:
        """Return the verdict, which is advice if its fault is less than `fail_on`."""
        is_advice = self.outcome == "fail" and SEVERITIES.index(self.severity) < SEVERITIES.index(fail_on)
        return replace(self, outcome="advice") if is_advice else self

    @property
    def finding(self) -> str:
        """What was found, in one line: of the worst faults that of the most places (`/a.js: no ETag`), or the first."""
        lines = [line for line in self.evidence if self._severity_of(line) == self.severity]
        places: dict[str, list[str]] = {}
        for line in lines:
            label, _, fault = line.partition(": ")
            places.setdefault(fault or line, []).append(label)
        fault, same = max(places.items(), key=lambda item: len(item[1]), default=("", []))
        named = ", ".join([*same[:MAX_PLACES], *(["…"] if len(same) > MAX_PLACES else [])])
        text = f"{fault}, on {len(same):,} places: {named}" if len(same) > 1 else "".join(lines[:1])
        more = len(self.evidence) - len(same)
        return f"{text} (and {more:,} more)" if more else text


def check(
    check_id: str, severity: Severity, fix: str, *, is_of_app: bool = False
) -> Callable[[Callable[[Subject], Iterator[str]]], Check]:
    """Make a function a Check. The first line of its docstring is the summary."""

    def make_check(function: Callable[[Subject], Iterator[str]]) -> Check:
        summary = (function.__doc__ or "").splitlines()[0]
        return Check(check_id, summary, severity, spelled(fix), function, is_of_app)

    return make_check
