"""Writes docs/checks.md from the checks themselves: python docs/checks.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = Path(__file__).with_suffix(".md")
sys.path.insert(0, str(ROOT))  # a script's path starts at its own folder

from docktasks.verify.catalog import all_checks  # noqa: E402
from docktasks.verify.registry import Check  # noqa: E402

INTRODUCTION = """\
# What `invoke verify` checks

<!-- Written by `python docs/checks.py` from docktasks/verify/checks/. Change it there. -->

`invoke verify` judges what is running by {count} checks, from outside and by what is found, not by what was asked for.
Each is proven by a sabotage in [tests/sabotage](../tests/sabotage): something really broken, that it must catch. A
check that cannot judge is skipped and says why; a skip is never a pass.

    invoke verify                               # the running production container, its image, and its address
    invoke verify --url=https://example.org     # any address, no engine needed
    invoke verify --image=hello-dock:prod       # an image, running or not
    invoke verify --group=http --skip=http.encoding
    invoke verify --list                        # the checks, and none is made

`--group`, `--only` and `--skip` can be repeated. `--strict` takes a skip for a failure, which is what CI wants. The
exit code is 0 when no check failed, else 1; it is 1, too, when there is nothing to judge.

`--json=FILE`, `--junit=FILE` and `--html=FILE` write [reports](#reports), failures or not.

*Severity*: critical breaks the app, or lets somebody in; a release that fails a critical check of what a user gets
never takes over from the one that serves. Major hurts users, or what stands behind the first line of defence; minor is
a matter of care. *Needs*: what there has to be, or the check is skipped.
"""
GROUPS = {
    "image": "What was built, before anything runs.",
    "container": "What the running container may do, by the kernel's own word.",
    "http": "What a user gets, at the published address.",
    "dev": "The dev container, where one runs.",
    "browser": "What a visitor sees, by a real browser.",
}
REPORTS = """\
## Reports

- **JSON** has everything, all evidence included. [verify.schema.json](verify.schema.json) describes it; its key
  `schema` goes up when a reader has to change.
- **JUnit XML** is what CI systems read: a test suite a group, a test case a check. A failure's message is its first
  fault, its text the faults (a hundred at most) and the fix.
- **HTML** is one page that needs nothing but itself and runs no script: failures with evidence and fix, and, where a
  check looked, the first load with its bytes on the wire, the image's layers, and a screenshot.

Evidence is what strangers sent. The reports show it as text: characters that would steer a terminal or break a parser
appear as their escapes.
"""


def page(checks: Sequence[Check]) -> str:
    """The whole page."""
    parts = [INTRODUCTION.format(count=len(checks)), *_groups(checks), REPORTS]
    return "\n".join(parts)


def _groups(checks: Sequence[Check]) -> Iterator[str]:
    for name, found in groupby(checks, lambda check: check.group):
        rows = [
            f"| `{each.id}` | {each.severity} | {each.needs} | {_cell(each.asserts)} | {_cell(each.fix)} |"
            for each in found
        ]
        head = ["| check | severity | needs | asserts | when it fails |", "|---|---|---|---|---|"]
        yield "\n".join([f"## {name}", "", GROUPS[name], "", *head, *rows, ""])


def _cell(text: str) -> str:
    """A text in a table, with nothing in it that Markdown takes for its own."""
    for sign in "\\|*_`<[":
        text = text.replace(sign, f"\\{sign}")
    return text


if __name__ == "__main__":
    PAGE.write_text(page(all_checks()), encoding="utf-8")
