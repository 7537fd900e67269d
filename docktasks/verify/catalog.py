"""What `verify` checks: named verdicts from probes, one module a group. Every check has a sabotage in tests/sabotage.

A check is a generator: each text it yields is evidence of a fault, and none means that it passed. One that cannot
judge raises Skip with the reason; a skip is never a pass.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from threading import Event
from typing import Literal

from docktasks.errors import SettingsError
from docktasks.verify.probes.image_archive import Unreadable
from docktasks.verify.registry import REGISTRY, Check, Skip, Verdict
from docktasks.verify.subject import Need, Subject

GROUPS = ("image", "container", "http", "dev", "browser")
"""From what was built to what a user gets and sees: each a module of this package."""

LACKING: dict[Need, str] = {
    "image": "an image",
    "container": "a running container",
    "url": "an address",
    "dev": "a running dev container (invoke dev)",
    "browser": "an address and a Chromium (invoke setup --browser)",
}
"""What a check that is skipped says it needs."""


def all_checks() -> list[Check]:
    """Every check, in the order of its group."""
    from docktasks.verify.checks import browser, container, dev, http, image  # noqa: F401 - each registers its checks

    return sorted(REGISTRY.values(), key=lambda found: GROUPS.index(found.group))


def select(groups: Sequence[str] = (), only: Sequence[str] = (), skip: Sequence[str] = ()) -> list[Check]:
    """The checks of these groups, or all; of them `only` these ids, or all; without those to `skip`.

    Raises SettingsError for a name that there is not, or when no check is left.
    """
    known = all_checks()
    ids = [each.id for each in known]
    for flag, names, there in (("group", groups, GROUPS), ("only", only, ids), ("skip", skip, ids)):
        for name in names:
            if name not in there:
                near = get_close_matches(name, there, 1)
                raise SettingsError(
                    f"--{flag}={name} names no {'group' if flag == 'group' else 'check'}.",
                    f"There are {', '.join(there)}." if flag == "group" else "A check has an id such as http.files.",
                    f"Did you mean {near[0]}?" if near else "See them all: invoke verify --list",
                )
    chosen = [
        each
        for each in known
        if (not groups or each.group in groups) and (not only or each.id in only) and each.id not in skip
    ]
    if not chosen:
        raise SettingsError(
            "No check is left to be made.",
            "--group, --only and --skip together leave out every one.",
            "Leave one of them away; all checks: invoke verify --list",
        )
    return chosen


def run_checks(subject: Subject, checks: Iterable[Check]) -> Iterator[Verdict]:
    """The verdicts, in the order of the checks; the groups are judged side by side, each in a thread of its own."""
    groups: dict[str, list[Check]] = {}
    for each in checks:
        groups.setdefault(each.group, []).append(each)
    ended = Event()  # by a Ctrl-C: then no further check is begun, and those under way put back what they changed
    with ThreadPoolExecutor(len(groups) or 1) as pool:
        try:
            for verdicts in pool.map(
                lambda group: [_judge(subject, each) for each in group if not ended.is_set()], groups.values()
            ):
                yield from verdicts
        finally:
            ended.set()


def _judge(subject: Subject, each: Check) -> Verdict:
    began = time.monotonic()
    outcome, evidence = _look(subject, each)
    return Verdict(each, outcome, evidence, time.monotonic() - began)


def _look(subject: Subject, each: Check) -> tuple[Literal["pass", "fail", "skip"], tuple[str, ...]]:
    from httpx import HTTPError

    if not subject.has(each.needs):
        return "skip", (f"needs {LACKING[each.needs]}",)
    faults: list[str] = []
    try:
        faults.extend(each.look(subject))
    except (Skip, Unreadable) as reason:
        # extend keeps what came before: a fault that was found stands
        return ("fail", tuple(faults)) if faults else ("skip", (str(reason),))
    except HTTPError as error:
        address = subject.dev.url if each.needs == "dev" else subject.url
        return "fail", (f"{address} does not answer: {str(error) or type(error).__name__}",)
    return ("fail" if faults else "pass"), tuple(faults)
