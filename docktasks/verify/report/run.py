"""A run of checks, as every report reads it, and how foreign texts are made safe to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby

from docktasks.verify.registry import Check, Verdict
from docktasks.verify.subject import Subject

MAX_LINE_CHARS = 2000
"""How much of one fault is shown; the JSON has all of it."""
OUTCOMES = {"pass": "passed", "fail": "failed", "skip": "skipped"}


@dataclass(frozen=True)
class Group:
    """The verdicts of one group of checks."""

    name: str
    verdicts: tuple[Verdict, ...]

    def count(self, outcome: str) -> int:
        """How many checks have this outcome."""
        return sum(verdict.outcome == outcome for verdict in self.verdicts)

    @property
    def seconds(self) -> float:
        """How long the checks took, one after the other."""
        return sum(verdict.seconds for verdict in self.verdicts)

    def skips(self) -> Iterator[tuple[str, tuple[Verdict, ...]]]:
        """The skipped checks by their reason."""
        reasons: dict[str, list[Verdict]] = {}
        for verdict in self.verdicts:
            if verdict.outcome == "skip":
                reasons.setdefault("; ".join(truncated(verdict)), []).append(verdict)
        yield from ((reason, tuple(verdicts)) for reason, verdicts in reasons.items())


@dataclass(frozen=True)
class VerifyRun:
    """The verdicts on a subject, the seconds that the run took, and when it ended. `left_out` are the other checks."""

    subject: Subject
    verdicts: tuple[Verdict, ...]
    seconds: float
    when: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    strict: bool = False
    left_out: tuple[Check, ...] = ()
    left_out_reason: str = ""

    @property
    def name(self) -> str:
        """The name of the subject."""
        return self.subject.name

    @property
    def groups(self) -> list[Group]:
        """The verdicts by group, in the order of the checks."""
        groups = groupby(self.verdicts, lambda verdict: verdict.check.group)
        return [Group(name, tuple(verdicts)) for name, verdicts in groups]

    def count(self) -> Counter[str]:
        """How many checks have each outcome."""
        return Counter(verdict.outcome for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        """True if a check passed and none failed; with `strict` also none was skipped."""
        count = self.count()
        return bool(count["pass"]) and not count["fail"] and not (self.strict and count["skip"])

    @property
    def summary(self) -> str:
        """How many checks passed, failed and were skipped, in how many seconds, and why a skip counts."""
        count = self.count()
        counts = ", ".join(f"{count[outcome]} {word}" for outcome, word in OUTCOMES.items())
        text = f"{counts} in {self.seconds:.1f} s"
        if self.passed or count["fail"]:
            return text
        return f"{text}: " + ("--strict counts a skip as failed" if count["pass"] else "nothing was checked")

    def ids(self, outcome: str) -> list[str]:
        """The ids of the checks with this outcome."""
        return [verdict.check.id for verdict in self.verdicts if verdict.outcome == outcome]


def truncated(verdict: Verdict, limit: int | None = None) -> list[str]:
    """The evidence, escaped: the first `limit` faults, and how many more there are."""
    lines = [escaped(line) for line in verdict.evidence[:limit]]
    more = len(verdict.evidence) - len(lines)
    return [*lines, f"and {more:,} more (--json has all)"] if more else lines


def escaped(text: str) -> str:
    """A text as one line of bounded length, with escapes for characters that are invisible or move others."""
    line = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text[:MAX_LINE_CHARS]
    )
    return line if len(text) <= MAX_LINE_CHARS else f"{line}… ({len(text):,} characters)"
