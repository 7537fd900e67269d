"""A run of checks as JSON. docs/verify.schema.json describes it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from docktasks import __version__
from docktasks.command_names import spelled
from docktasks.images.sizes import unpacked_size
from docktasks.verify.registry import Verdict
from docktasks.verify.report.run import VerifyRun
from docktasks.verify.subject import Subject

SCHEMA = 1
"""Version of the format. It goes up when readers have to change, not when a key is added."""


def render(verify_run: VerifyRun) -> str:
    """The JSON, indented for people."""
    return json.dumps(as_data(verify_run), indent=2) + "\n"


def as_data(verify_run: VerifyRun) -> dict[str, Any]:
    """The run as plain data, with all evidence."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "hello-dock", "version": __version__},
        "subject": _subject(verify_run.subject),
        "when": verify_run.when.isoformat(timespec="seconds"),
        "seconds": round(verify_run.seconds, 3),
        "passed": verify_run.passed,
        "strict": verify_run.strict,
        "fail_on": verify_run.fail_on,
        "advice": verify_run.count()["advice"],
        "summary": _counts(verify_run.count()),
        "groups": [
            {"name": group.name, "seconds": round(group.seconds, 3)} | _counts(group.count())
            for group in verify_run.groups
        ],
        "checks": [_check(verdict) for verdict in verify_run.verdicts],
        "left_out": {"checks": [check.id for check in verify_run.left_out], "reason": verify_run.left_out_reason},
    }


def _counts(count: Counter[str]) -> dict[str, int]:
    return {"pass": count["pass"], "fail": count["fail"] + count["advice"], "skip": count["skip"]}


def _subject(subject: Subject) -> dict[str, Any]:
    """What was checked; null for a part that the subject does not have."""
    container = subject.container if subject.has("container") else None
    image = subject.image if subject.has("image") else None
    return {
        "url": subject.url or None,
        "container": container and {"id": container.id, "name": container.name},
        "image": image and {"id": image.id, "tags": list(image.tags), "size": unpacked_size(subject.project, image)},
    }


def _check(verdict: Verdict) -> dict[str, Any]:
    check = verdict.check
    return {
        "id": check.id,
        "group": check.group,
        "severity": verdict.severity,
        "of_app": check.is_of_app,
        "needs": check.needs,
        "asserts": check.summary,
        "verdict": "fail" if verdict.outcome == "advice" else verdict.outcome,
        "counts": verdict.outcome == "fail",
        "finding": verdict.finding,
        "evidence": list(map(spelled, verdict.evidence)),
        "notes": list(map(spelled, verdict.notes)),
        "fix": check.fix,
        "seconds": round(verdict.seconds, 3),
    }
