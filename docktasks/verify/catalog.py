"""All checks of `verify`, in the order in which they are shown; how to select some, and how to run them.

Each check has a sabotage in tests/sabotage that it must catch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from threading import Event

from httpx import HTTPError, TimeoutException

from docktasks.errors import SettingsError, Skip, reason_of
from docktasks.mistyped import closest
from docktasks.resources import table
from docktasks.verify import chromium_path
from docktasks.verify.checks import browser, dev, dev_container, dev_leaks, dev_page
from docktasks.verify.checks.container import assets, configuration, hardening, lifecycle, processes
from docktasks.verify.checks.http import abuse, answers, caching, compression, files, headers, policy, routing
from docktasks.verify.checks.image import claims, contents, metadata, site
from docktasks.verify.registry import NEEDS, Check, Major, Note, Outcome, Verdict
from docktasks.verify.subject import Subject

MODULES = (
    metadata, claims, contents, site, hardening, processes, assets, lifecycle, configuration, answers, files, routing,
    caching, compression, headers, policy, abuse, dev, dev_page, dev_leaks, dev_container, browser,
)  # fmt: skip
"""In the order in which their checks are shown. Within a module the order of its functions counts."""
CHECKS = tuple(item for module in MODULES for item in vars(module).values() if isinstance(item, Check))
GROUPS = tuple(NEEDS)
WAITING = (site.__name__, lifecycle.__name__, configuration.__name__)
"""The modules whose checks wait for a build or for copies of the container, in a thread of their own. All others of a
group run in one thread, one after the other: some run commands in the container, and container.processes would take
those for strangers. It waits for the long command of another group (Subject.carried); that of dev.network ends soon."""
RENAMED_CHECKS: dict[str, str] = table(__file__, "renamed_checks.json")
"""Old id -> new id, of checks that users may have in scripts."""


def select(groups: Sequence[str] = (), only: Sequence[str] = (), skip: Sequence[str] = ()) -> list[Check]:
    """Select checks; empty `groups` or `only` select all. Raises SettingsError for an unknown name, or without one."""
    ids = [check.id for check in CHECKS]
    for flag, names, known_names in (("group", groups, GROUPS), ("only", only, ids), ("skip", skip, ids)):
        for name in names:
            if name not in known_names:
                raise _unknown_name(flag, name, known_names)
    selected = [check for check in CHECKS if not groups or check.group in groups]
    selected = [check for check in selected if (not only or check.id in only) and check.id not in skip]
    if not selected:
        raise SettingsError(
            "No check is selected.",
            "--group, --only and --skip together exclude every check.",
            "Remove one of these flags. List all checks: invoke verify --list",
        )
    return selected


def _unknown_name(flag: str, name: str, known_names: Sequence[str]) -> SettingsError:
    if name in RENAMED_CHECKS:
        new_id = RENAMED_CHECKS[name]
        return SettingsError(f"The check {name} is now called {new_id}.", "", f"Use --{flag}={new_id}")
    close_names = closest(name, known_names)
    is_group = flag == "group"
    return SettingsError(
        f"--{flag}={name}: there is no such {'group' if is_group else 'check'}.",
        f"The groups are {', '.join(known_names)}." if is_group else "A check has an id such as http.files.",
        f"Did you mean {close_names[0]}?" if close_names else "List all checks: invoke verify --list",
    )


def threads_of(checks: Iterable[Check]) -> list[list[Check]]:
    """Divide checks into those that run one after the other: each group, and in it those that wait."""
    parts = groupby(checks, lambda check: (check.group, check.function.__module__ in WAITING))
    return [list(part) for _, part in parts]


def run_checks(subject: Subject, checks: Iterable[Check]) -> Iterator[Verdict]:
    """Run the checks, in threads_of() them, and yield the verdicts in the same order."""
    groups = threads_of(checks)
    interrupted = Event()  # on Ctrl-C no further check starts, and those that run undo their changes
    # Group -> the check that reports a server that does not answer. The others of the group are then skipped.
    reporters = {"http": answers.answers.id}

    def run_group(group: list[Check]) -> list[Verdict]:
        return [_run_check(subject, check, reporters) for check in group if not interrupted.is_set()]

    with ThreadPoolExecutor(len(groups) or 1) as pool:
        try:
            for verdicts in pool.map(run_group, groups):
                yield from verdicts
        finally:
            interrupted.set()


def _run_check(subject: Subject, check: Check, reporters: dict[str, str]) -> Verdict:
    start = time.monotonic()
    outcome, lines = _result(subject, check, reporters)
    notes = tuple(dict.fromkeys(line for line in lines if isinstance(line, Note)))
    evidence = tuple(line for line in lines if not isinstance(line, Note))
    return Verdict(check, outcome, evidence, time.monotonic() - start, notes)


def _result(subject: Subject, check: Check, reporters: dict[str, str]) -> tuple[Outcome, list[str]]:
    if not subject.has(check.needs):
        is_browser = check.needs == "browser"
        return "skip", [chromium_path.what_is_missing() if is_browser else f"its {check.needs} is gone"]
    lines: list[str] = []
    try:
        lines.extend(check.function(subject))  # keeps the faults that came before an exception
    except Skip as reason:
        return ("fail", lines) if _has_fault(lines) else ("skip", [*lines, str(reason)])
    except HTTPError as error:
        fault, reporter = reason_of(error), reporters.setdefault(check.group, check.id)
        if check.id != reporter:
            return "fail" if _has_fault(lines) else "skip", [*lines, f"see {reporter}: {fault}"]
        url = subject.dev.url if check.group == "dev" else subject.url
        # A dev server answers late where a machine has much to do.
        is_late = check.group == "dev" and isinstance(error, TimeoutException)
        return "fail", [(Major if is_late else str)(f"{url} does not answer: {fault}")]
    return ("fail" if _has_fault(lines) else "pass"), lines


def _has_fault(lines: Iterable[str]) -> bool:
    return not all(isinstance(line, Note) for line in lines)
