"""Writes docs/checks.md from the checks themselves: python docs/checks.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = Path(__file__).with_suffix(".md")
sys.path.insert(0, str(ROOT))  # a script's path starts at its own folder

from docktasks.verify.catalog import CHECKS  # noqa: E402
from docktasks.verify.registry import Check  # noqa: E402

INTRODUCTION = """\
# What `invoke verify` checks

<!-- Written by `python docs/checks.py` from docktasks/verify/checks/. Change it there. -->

`invoke verify` runs {count} checks, from outside, on what is running. It judges what it finds, and not what was asked
for. A sabotage in [tests/sabotage](../tests/sabotage) proves each check: it breaks something for real, and the check
must report it. A check that cannot look at its subject, such as one of the browser without a Chromium, is skipped and
gives the reason. A skip is never a pass. A container that starts or ends cuts off what Chromium loads: the browser
takes such a step up to three times, and then the checks of that step are skipped; those of all pages say it in a note.
What is not there and was not asked for is left out, and no skip: the checks of the dev container if none runs, those of
the image with `--url`.

    invoke verify                               # the running production container, its image, and its address
    invoke verify --url=https://example.org     # any address, without an engine
    invoke verify --image=hello-dock:prod       # an image, which need not run
    invoke verify --group=http --skip=http.encoding
    invoke verify --list                        # lists the checks and runs none

`--group`, `--only` and `--skip` can be repeated. A group or check that you name and that is not there is an error.
`--strict` counts a skip as failed, which is what CI wants. `--fail-on=minor`, `major` (the default) or `critical` says
from which severity on a fault fails. Less is advice: it is shown, and fails nothing. The exit code is 0 if a check
looked and none failed, or else 1.

The checks of http judge a survey: each kind of place of the site (pages, addresses that pages and routers name, with
and without a slash, files of each type, folders, files that are missing, files of an earlier release) is asked in every
way (methods, encodings, conditions, ranges, another origin or host, other visitors). Where a site of ours answers a
visitor otherwise, it is asked again with each header alone, so that the finding names the one. A rule holds everywhere,
or its exceptions are listed: `Cache-Control is missing on 3 of 41 places: /tour, …`. All files are asked, of more than
1,000 only 1,000 also with gzip and brotli; of a large site some are asked in every way, and a note tells how many, and
the seed that chose them. The log of the site shows `hello-dock verify` in the name of the browser, but for the requests
of `http.variants`, which ask as a phone, a search engine and others. No answer is waited for longer than 10 s, and
nothing longer than 2 minutes: `http.answers` says what was not seen, and reports a cause that spoils everything, such
as a limit on requests, once. The checks that it makes meaningless are skipped.

Of a failed check the reports say what was found first, then what is right, then the fix. `--quiet` prints only what
fails, and the last line.

`--json=FILE`, `--junit=FILE` and `--html=FILE` write [reports](#reports), also if a check fails.

*Severity*: a critical fault breaks the app or lets an attacker in. A release with a critical fault in what a user gets
never takes over from the release that serves. A major fault hurts users, or opens a second line of defence. A minor
fault is a matter of care. Some faults of a check are less than its severity, and are then reported as major or minor.
What is marked as *the app's own* comes from its pages, such as a pale colour: neither the image nor the server causes
it, and no release was better before, so it is minor. *Needs*: without this, the check is left out; without a Chromium
those of browser and dev.page are skipped. Files that a fix names, such as site.conf, are in docktasks/images/nginx/.
"""
GROUPS = {
    "image": "What was built, before anything runs.",
    "container": "What the running container may do, as the kernel shows it, and how it behaves.",
    "http": "What a user gets at the published address.",
    "dev": "The dev container, if one runs.",
    "browser": "What a visitor sees, in a real browser.",
}
REPORTS = """\
## Reports

- **JSON** has everything, with all evidence. [verify.schema.json](verify.schema.json) describes it. Its key `schema`
  goes up if a reader has to change.
- **JUnit XML** is what CI systems read: one test suite for each group, one test case for each check. The message of a
  failure is what was found; its text has the faults (at most 100), what is right, and the fix. With `--strict` a skip
  is a failure there, too. Advice is the output of a test case that passed.
- **HTML** is one page that loads nothing and runs no script: failures with evidence and fix, and, if a check looked,
  the first load with its bytes on the wire, the image's layers, and a screenshot.

Evidence comes from strangers. The reports show it as text: characters that would steer a terminal or break a parser
are escaped.
"""


def page(checks: Sequence[Check]) -> str:
    """The whole page."""
    parts = [INTRODUCTION.format(count=len(checks)), *_groups(checks), REPORTS]
    return "\n".join(parts)


def _groups(checks: Sequence[Check]) -> Iterator[str]:
    for name, group in groupby(checks, lambda check: check.group):
        rows = [f"| `{check.id}` | {' | '.join(map(_cell, _texts(check)))} |" for check in group]
        head = ["| check | severity | needs | what is right | fix |", "|---|---|---|---|---|"]
        yield "\n".join([f"## {name}", "", GROUPS[name], "", *head, *rows, ""])


def _texts(check: Check) -> tuple[str, ...]:
    severity = f"{check.severity}, the app's own" if check.is_of_app else check.severity
    return severity, check.needs, check.summary, check.fix


def _cell(text: str) -> str:
    """A text in a table, with the characters escaped that mean something in Markdown."""
    for sign in "\\|*_`<[":
        text = text.replace(sign, f"\\{sign}")
    return text


if __name__ == "__main__":
    PAGE.write_text(page(CHECKS), encoding="utf-8")
