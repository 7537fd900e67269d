"""Runs of checks to report on, and what was seen in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

from docktasks.engine.models import Container, Image
from docktasks.verify.probes.page_timing import Load
from docktasks.verify.registry import Check, Verdict
from docktasks.verify.report.run import VerifyRun
from docktasks.verify.subject import Subject

URL = "http://127.0.0.1:8080"
HOSTILE = "</script></style><img src=x onerror=alert(1)>'\"&amp;{{ 7*7 }}"
"""What a site may put into a header, to reach whoever reads the report."""


def load(url: str, kind: str = "script", **given: Any) -> Load:
    """A request of a page, which went well but for what is given."""
    usual: dict[str, Any] = {"status": 200, "end": 10.0, "wire": 1000, "size": 3000, "encoding": "br"}
    return Load(url, kind, **(usual | given))


@dataclass(frozen=True)
class Visit:
    """What the browser saw."""

    loads: tuple[Load, ...] = ()
    screenshot: bytes = b""


def verdict(
    outcome: Literal["pass", "fail", "skip"],
    *evidence: str,
    name: str = "http.files",
    fix: str = "Build it again",
    asserts: str = "Every file answers 200.",
) -> Verdict:
    """What a check found."""
    check = Check(name, asserts, "critical", "url", fix, lambda _subject: [])
    return Verdict(check, outcome, evidence, 0.25)


def judged(*verdicts: Verdict, subject: Subject | None = None, **seen: Any) -> VerifyRun:
    """A run of checks of an address, in which parts of it were `seen`."""
    subject = subject or Subject(URL)
    vars(subject).update(seen)
    return VerifyRun(subject, verdicts, 0.96, datetime(2026, 11, 24, 9, 0, 0, tzinfo=timezone.utc))


def running() -> Subject:
    """An address with the container and the image behind it."""
    labels = {"org.opencontainers.image.revision": "f00ba4" * 6}
    image = Image("sha256:" + "a" * 64, size=17_894_701, tags=("shop:prod",), labels=labels)
    return Subject(URL, None, Container("c" * 64, "shop-prod"), image)
