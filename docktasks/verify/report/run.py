"""A run of checks, as every form of report reads it; and texts that somebody else wrote, made fit to be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby

from docktasks.verify.registry import Verdict
from docktasks.verify.subject import Subject

LONGEST = 2000
"""Characters of one fault that are shown; the JSON has all."""


@dataclass(frozen=True)
class Group:
    """The verdicts of one group of checks, in their order."""

    name: str
    verdicts: tuple[Verdict, ...]

    def count(self, outcome: str) -> int:
        """How many of its checks came out so."""
        return sum(verdict.outcome == outcome for verdict in self.verdicts)

    @property
    def seconds(self) -> float:
        """How long its checks took, one after the other."""
        return sum(verdict.seconds for verdict in self.verdicts)

    def skips(self) -> Iterator[tuple[str, tuple[Verdict, ...]]]:
        """The skipped checks by their reason."""
        reasons: dict[str, list[Verdict]] = {}
        for verdict in self.verdicts:
            if verdict.outcome == "skip":
                reasons.setdefault("; ".join(truncated(verdict)), []).append(verdict)
        yield from ((reason, tuple(skipped)) for reason, skipped in reasons.items())


@dataclass(frozen=True)
class VerifyRun:
    """A run of checks: what was judged, the verdicts, the seconds it took in all, and when it ended."""

    subject: Subject
    verdicts: tuple[Verdict, ...]
    seconds: float
    when: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def name(self) -> str:
        """What was judged, in a word."""
        return self.subject.name

    @property
    def groups(self) -> list[Group]:
        """The verdicts by group, in the order of the checks."""
        return [
            Group(name, tuple(found)) for name, found in groupby(self.verdicts, lambda verdict: verdict.check.group)
        ]

    def count(self) -> Counter[str]:
        """How many passed, failed and were skipped."""
        return Counter(verdict.outcome for verdict in self.verdicts)


def truncated(verdict: Verdict, limit: int | None = None) -> list[str]:
    """The evidence, fit to be shown; of more than `limit` faults the first, and how many there are more."""
    lines = [escaped(line) for line in verdict.evidence[:limit]]
    more = len(verdict.evidence) - len(lines)
    return [*lines, f"and {more:,} more (--json has all)"] if more else lines


def escaped(text: str) -> str:
    """A text in one line of bounded length, with every character that is not seen, or moves others, in its escape."""
    line = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text[:LONGEST]
    )
    return line if len(text) <= LONGEST else f"{line}… ({len(text):,} characters)"
