"""Faults of a site in memory, and the verdicts of the HTTP checks on them."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx

from docktasks.verify import catalog
from docktasks.verify.registry import Verdict
from tests.unit.fakes.sites import Answer, Fault, Serve, Site, subject

HTTP_CHECKS = catalog.select(["http"])
ENTRY, INDEX = "/assets/index-Dk1aQz7_.js", "/"
Change = Callable[[Answer], object]


def verdicts(site: Serve, *check_ids: str) -> dict[str, Verdict]:
    """Return the verdicts of these HTTP checks, or of all, by id."""
    checks = [check for check in HTTP_CHECKS if not check_ids or check.id in check_ids]
    return {verdict.check.id: verdict for verdict in catalog.run_checks(subject(site), checks)}


def assert_reported(check_id: str, fault: Fault, evidence: str) -> None:
    """Check that the fault makes this check fail, with a line of evidence that has the parts of this text, around …."""
    verdict = verdicts(Site(fault), check_id)[check_id]
    assert verdict.outcome == "fail"
    parts = evidence.split(" … ")
    assert any(all(part in line for part in parts) for line in verdict.evidence), verdict.evidence
    assert not re.search(r"(?<!\$)\{\w*\}", "".join(verdict.evidence)), "a placeholder is left"


def on_path(end: str, change: Change) -> Fault:
    """Return a fault that changes the answers for paths with this end. The end `/` stands for the index page only."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        path = request.url.path
        if path == INDEX if end == INDEX else path.endswith(end):
            change(answer)

    return fault


def on_header(name: str, change: Change, value: str = "") -> Fault:
    """Return a fault that changes the answers to requests with this header, whose value contains this text."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if name in request.headers and value in request.headers[name]:
            change(answer)

    return fault


def on_accept_encoding(value: str, change: Change) -> Fault:
    """Return a fault that changes the answers to requests with exactly this Accept-Encoding."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if request.headers.get("accept-encoding") == value:
            change(answer)

    return fault


def on_method(method: str, change: Change) -> Fault:
    """Return a fault that changes the answers to this method."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if request.method == method:
            change(answer)

    return fault


def header(name: str, *values: str) -> Change:
    """Give the header these values; without one, remove it."""
    return lambda answer: answer.set(name, *values)


def status(code: int) -> Change:
    """Answer with this status."""
    return lambda answer: setattr(answer, "status", code)


def body(text: str) -> Change:
    """Answer with this body, not compressed."""

    def change(answer: Answer) -> None:
        answer.body = text.encode()
        answer.set("content-encoding")

    return change
