"""A run of checks as JSON, as docs/verify.schema.json describes it."""

from __future__ import annotations

import json
from typing import Any

from docktasks import __version__
from docktasks.verify.registry import Verdict
from docktasks.verify.report.run import VerifyRun
from docktasks.verify.subject import Subject

SCHEMA = 1
"""Goes up when a reader of the JSON has to change; a key that is new alone does not count."""
OUTCOMES = ("pass", "fail", "skip")


def render(judged: VerifyRun) -> str:
    """The JSON, indented, for it is also read by people."""
    return json.dumps(as_data(judged), indent=2) + "\n"


def as_data(judged: VerifyRun) -> dict[str, Any]:
    """The run as plain data: what was judged, by whom and when, the counts, and each check with all its evidence."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "hello-dock", "version": __version__},
        "subject": _subject(judged.subject),
        "when": judged.when.isoformat(timespec="seconds"),
        "seconds": round(judged.seconds, 3),
        "summary": {outcome: judged.count()[outcome] for outcome in OUTCOMES},
        "groups": [
            {"name": group.name, "seconds": round(group.seconds, 3)}
            | {outcome: group.count(outcome) for outcome in OUTCOMES}
            for group in judged.groups
        ],
        "checks": [_check(verdict) for verdict in judged.verdicts],
    }


def _subject(subject: Subject) -> dict[str, Any]:
    """What was judged; null for what was not at hand."""
    container = subject.container if subject.has("container") else None
    image = subject.image if subject.has("image") else None
    return {
        "url": subject.url or None,
        "container": container and {"id": container.id, "name": container.name},
        "image": image and {"id": image.id, "tags": list(image.tags), "size": image.size},
    }


def _check(verdict: Verdict) -> dict[str, Any]:
    check = verdict.check
    return {
        "id": check.id,
        "group": check.group,
        "severity": check.severity,
        "needs": check.needs,
        "asserts": check.asserts,
        "verdict": verdict.outcome,
        "evidence": list(verdict.evidence),
        "fix": check.fix,
        "seconds": round(verdict.seconds, 3),
    }
