"""A run of checks as one HTML page that needs nothing but itself."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from docktasks import __version__
from docktasks.verify.report import charts
from docktasks.verify.report.run import VerifyRun, escaped, truncated

FAULTS = 100
"""Faults of one check that are shown."""


def render(judged: VerifyRun) -> str:
    """The page. What a check, a site or an image says is text in it, never markup; and no script may run."""
    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = (here / "page.css").read_text(encoding="utf-8")
    subject, visit, layers = judged.subject, judged.subject.seen("visit"), judged.subject.seen("layers")
    return environment.get_template("page.html.j2").render(
        judged=judged,
        count=judged.count(),
        name=escaped(judged.name),
        facts=_facts(judged),
        faults=lambda verdict: truncated(verdict, FAULTS),
        waterfall=charts.waterfall(visit.loads, subject.url) if visit else None,
        screenshot=charts.data_uri(visit.screenshot) if visit and visit.screenshot else "",
        stack=charts.stack(layers) if layers else None,
        style=Markup(style),  # noqa: S704 - our own file
        hash=b64encode(sha256(style.encode()).digest()).decode(),
        version=__version__,
    )


def _facts(judged: VerifyRun) -> list[tuple[str, str]]:
    """What was judged, line by line."""
    subject, facts = judged.subject, []
    if subject.url:
        facts.append(("Address", escaped(subject.url)))
    if subject.has("container"):
        facts.append(("Container", escaped(subject.container.name)))
    if subject.has("image"):
        image = subject.image
        named = f"{', '.join(image.tags)} " if image.tags else ""
        facts.append(("Image", escaped(f"{named}{image.short_id}, {charts.decimal(image.size)}")))
        revision = image.labels.get("org.opencontainers.image.revision", "")
        facts += [("Revision", escaped(revision))] if revision else []
    return [*facts, ("Judged", f"{judged.when:%Y-%m-%d %H:%M:%S} UTC, in {judged.seconds:.1f} s")]
