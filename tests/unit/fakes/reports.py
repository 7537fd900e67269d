"""Runs of checks for reports, with data from a browser and an engine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from docktasks.app.project import Project
from docktasks.background import Once
from docktasks.engine.models import Container, Image
from docktasks.images.archive import Contents, File, Layer
from docktasks.verify.probes.page_timing import ResourceTiming
from docktasks.verify.probes.visit import Visit
from docktasks.verify.registry import Check, Outcome, Verdict
from docktasks.verify.report.run import VerifyRun
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import ROOT, configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

URL = "http://127.0.0.1:8080"
HOSTILE = "</script></style><img src=x onerror=alert(1)>'\"&amp;{{ 7*7 }}"
"""A header that a site may send to attack the reader of a report."""

TIMINGS = (
    ResourceTiming(f"{URL}/", "document", 200, 0, 8, 700, 1500),
    ResourceTiming(f"{URL}/assets/index-1.js", "script", 200, 10, 30, 30_000, 90_000),
    ResourceTiming(f"{URL}/gone.svg", "image", 404, 12, 15, 150, 9, ""),
    ResourceTiming("https://else.example/x.js", "script", 0, 12, 40, 0, 0, ""),
)
"""A page with its script, a missing picture, and a script of another site that did not load."""
LAYERS = [
    Layer("sha256:1", "base", 17_000_000, ours=False),
    Layer(
        "sha256:2", "COPY /out/image/ /", 250_000, ours=True,
        files={name: File(name, "file", size) for name, size in (("/a", 5), ("/b", 900), ("/c", 0))},
    ),
]  # fmt: skip


def timing(url: str, kind: str = "script", **changes: Any) -> ResourceTiming:
    """Return a successful request of a page, with these changes."""
    fields: dict[str, Any] = {"status": 200, "end": 10.0, "encoded_size": 1000, "decoded_size": 3000, "encoding": "br"}
    return ResourceTiming(url, kind, **(fields | changes))


def verdict(
    outcome: Outcome,
    *evidence: str,
    name: str = "http.files",
    fix: str = "Build it again",
    summary: str = "Every file answers 200.",
) -> Verdict:
    """Return a verdict of a check."""
    check = Check(name, summary, "critical", fix, lambda _subject: [])
    return Verdict(check, outcome, evidence, 0.25)


def verify_run(
    *verdicts: Verdict,
    subject: Subject | None = None,
    visit: Visit | None = None,
    layers: Sequence[Layer] | None = None,
) -> VerifyRun:
    """Return a run of checks of an address. `visit` has data from a browser, `layers` is the image that was read."""
    subject = subject or Subject(URL)
    if visit:
        subject.visit = Once(lambda: visit)
        subject.visit()
    if layers is not None:
        subject.contents = Once(lambda: Contents(list(layers), {}, []))
        subject.contents()
    return VerifyRun(subject, verdicts, 0.96, datetime(2026, 11, 24, 9, 0, 0, tzinfo=timezone.utc))


def container_subject() -> Subject:
    """Return an address with its container and its image, as the subject of the checks."""
    labels = {"org.opencontainers.image.revision": "f00ba4" * 6}
    image = Image("sha256:" + "a" * 64, size=17_894_701, tags=("shop:prod",), labels=labels, release="a" * 12)
    engine = FakeEngine()
    project = Project(Runner(engine), engine, configured(ROOT))
    return Subject(URL, project, Container("c" * 64, "shop-prod"), image)
