"""A run of checks, as every report reads it, and how foreign texts are made safe to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby

from docktasks import output
from docktasks.command_names import spelled
from docktasks.verify.probes.crawler import grouped
from docktasks.verify.registry import Check, Severity, Verdict
from docktasks.verify.subject import Subject

MAX_LINE_CHARS = 160
"""How much of one fault is shown: its beginning and its end. The JSON has all of it."""
END_CHARS = 50
MAX_CHARS = 2000
OUTCOMES = {"pass": "passed", "fail": "failed", "advice": "advised", "skip": "skipped"}
"""The outcomes in words."""


@dataclass(frozen=True)
class Group:
    """The verdicts of one group of checks."""

    name: str
    verdicts: tuple[Verdict, ...]

    def count(self) -> Counter[str]:
        """How many checks have each outcome."""
        return Counter(verdict.outcome for verdict in self.verdicts)

    @property
    def counts(self) -> str:
        """How many checks have each outcome that there is, in words."""
        count = self.count()
        return ", ".join(f"{count[outcome]} {word}" for outcome, word in OUTCOMES.items() if count[outcome])

    @property
    def seconds(self) -> float:
        """How long the checks took, one after the other."""
        return sum(verdict.seconds for verdict in self.verdicts)

    def skips(self) -> Iterable[tuple[str, list[Verdict]]]:
        """The skipped checks by their reason."""
        skipped = (verdict for verdict in self.verdicts if verdict.outcome == "skip")
        return grouped(skipped, lambda verdict: "; ".join(truncated(verdict))).items()


@dataclass(frozen=True)
class VerifyRun:
    """The verdicts on a subject, the seconds that the run took, and when it ended. `left_out` are the other checks.

    A fault that is less than `fail_on` is advice. With `strict` a skip counts as failed.
    """

    subject: Subject
    verdicts: tuple[Verdict, ...]
    seconds: float
    when: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    strict: bool = False
    fail_on: Severity = "major"
    left_out: tuple[Check, ...] = ()
    left_out_reason: str = ""

    @property
    def groups(self) -> list[Group]:
        """The verdicts by group, in the order of the checks."""
        return self._grouped(lambda verdict: verdict.check.group)

    @property
    def sections(self) -> list[Group]:
        """The groups as a person reads them: what is the app's own has a section of its own."""
        return self._grouped(lambda verdict: verdict.check.section)

    def _grouped(self, name_of: Callable[[Verdict], str]) -> list[Group]:
        return [Group(name, tuple(verdicts)) for name, verdicts in groupby(self.verdicts, name_of)]

    def count(self) -> Counter[str]:
        """How many checks have each outcome."""
        return Group("", self.verdicts).count()

    @property
    def passed(self) -> bool:
        """True if a check looked and none failed; with `strict` also none was skipped."""
        count = self.count()
        return bool(count["pass"] + count["advice"]) and not count["fail"] and not (self.strict and count["skip"])

    @property
    def summary(self) -> str:
        """How many checks passed, failed and were skipped, in how many seconds, and why a skip counts."""
        count = self.count()
        words = {outcome: word for outcome, word in OUTCOMES.items() if outcome != "advice" or count["advice"]}
        counts = ", ".join(f"{count[outcome]} {word}" for outcome, word in words.items())
        text = f"{counts} in {self.seconds:.1f} s"
        if self.passed or count["fail"]:
            return text
        has_looked = count["pass"] or count["advice"]
        return f"{text}: " + ("--strict counts a skip as failed" if has_looked else "nothing was checked")

    def ids(self, outcome: str) -> list[str]:
        """The ids of the checks with this outcome."""
        return [verdict.check.id for verdict in self.verdicts if verdict.outcome == outcome]


def truncated(verdict: Verdict, limit: int | None = None) -> list[str]:
    """The evidence, escaped: the first `limit` faults, and how many more there are."""
    lines = [shortened(line) for line in verdict.evidence[:limit]]
    more = len(verdict.evidence) - len(lines)
    return [*lines, f"and {more:,} more (--json has all)"] if more else lines


def shortened(text: str) -> str:
    """A fault as one line of at most MAX_LINE_CHARS, with its beginning, where it is, and its end, what it is."""
    if len(text) > MAX_LINE_CHARS:
        text = f"{text[: MAX_LINE_CHARS - END_CHARS - 1]}…{text[-END_CHARS:]}"
    return escaped(text)


def decimal(size: int) -> str:
    """A number of bytes as a short text: 41.4 kB, 612 B."""
    return output.decimal(size).replace(" bytes", " B").replace(" byte", " B")


def escaped(text: str) -> str:
    """A text as one line of bounded length, with escapes for characters that are invisible or move others."""
    text = spelled(text)
    letters = text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]}…"
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in letters)
