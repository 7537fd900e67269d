"""`invoke verify`: finds what is running, has it judged, and reports."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from docktasks import checks, engine, report, startup
from docktasks.answers import Run
from docktasks.checks.subject import Subject
from docktasks.errors import VerifyError
from docktasks.settings import Settings


def verify(run: Run, settings: Settings, *, url: str, strict: bool, json_file: str) -> None:
    """Judge `url`, or else the running production container with its image; print a table, write JSON where asked.

    Raises VerifyError when a check failed, or under `strict` could not run; and when there is nothing to judge.
    """
    from rich.console import Console

    if run.dry:
        print(
            "Would judge",
            url or f"container {settings.container('prod')}",
            "by",
            len(checks.all_checks()),
            "checks.",
        )
        return
    with engine.answering():
        subject = at(url) if url else running(settings)
        verdicts = list(checks.judge(subject, checks.all_checks()))
    report.show(verdicts, subject.url, Console())
    if json_file:
        _write(json_file, json.dumps(report.as_json(verdicts, subject.url), indent=2) + "\n")
    bad = [
        verdict.check.id for verdict in verdicts if verdict.outcome == "fail" or (strict and verdict.outcome == "skip")
    ]
    if bad:
        raise VerifyError(
            f"{len(bad)} of {len(verdicts)} checks {'did not pass' if strict else 'failed'}: {', '.join(bad)}",
            "",
            "Each failed check's evidence and fix stand in the table above",
        )


def at(url: str) -> Subject:
    """What answers at an address, with no engine at hand. Raises VerifyError when nothing does."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL("")
    if address.scheme not in ("http", "https") or not address.host:
        raise VerifyError(f"{url} is no address.", "--url names where the app is served.", "As: http://127.0.0.1:8080")
    subject = Subject(url)
    try:
        subject.get("/")
    except httpx.HTTPError as error:
        raise VerifyError(
            f"{url} does not answer: {str(error) or type(error).__name__}.",
            "verify judges what is served, from outside.",
            "Start it, or name another address",
        ) from error
    return subject


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text)
    except OSError as error:
        raise VerifyError(
            f"{path} cannot be written: {error.strerror}.", "--json names the file for the verdicts.", "Name another"
        ) from error


def running(settings: Settings) -> Subject:
    """The production container, its image and its address. Raises VerifyError when it does not run."""
    found = engine.connect()
    container = startup.existing(found, settings, "prod")
    if container is None or container.state != "running" or not container.url:
        raise VerifyError(
            f"There is nothing to verify: container {settings.container('prod')} does not run.",
            "verify judges what is running, from outside.",
            "Start it (invoke run-prod), or name an address: invoke verify --url=http://127.0.0.1:8080",
        )
    return Subject(container.url, found, container, found.image(container.image_id))
