"""A run of checks as one HTML page that loads nothing else."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from math import floor, log10
from pathlib import Path

from docktasks import __version__
from docktasks.images.releases import REVISION_LABEL
from docktasks.images.sizes import unpacked_size
from docktasks.verify.probes.page_timing import first_load
from docktasks.verify.report.run import VerifyRun, decimal, escaped, shortened, truncated

MAX_FAULTS = 100
"""How many faults of one check are shown."""


def render(verify_run: VerifyRun) -> str:
    """The page. Texts of checks, sites and images are escaped, and its policy lets no script run."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"escaped": escaped, "decimal": decimal}
    style = (folder / "page.css").read_text(encoding="utf-8")
    subject = verify_run.subject
    visit, contents = subject.visit.peek(), subject.contents.peek()
    timings = first_load(visit.timings) if visit else ()
    end = max([1.0, *(max(timing.start, timing.end) for timing in timings)])
    return environment.get_template("page.html.j2").render(
        run=verify_run,
        count=verify_run.count(),
        name=escaped(verify_run.subject.name),
        facts=_facts(verify_run),
        faults=lambda verdict: truncated(verdict, MAX_FAULTS),
        finding=lambda verdict: shortened(verdict.finding),
        timings=sorted(timings, key=lambda timing: timing.start),
        end=end,
        step=_tick_distance(end),
        origin=subject.url,
        screenshot=b64encode(visit.screenshot).decode() if visit else "",
        layers=contents.layers if contents else [],
        style=Markup(style),  # noqa: S704 - our own file
        hash=b64encode(sha256(style.encode()).digest()).decode(),
        version=__version__,
    )


def _facts(verify_run: VerifyRun) -> list[tuple[str, str]]:
    """What was checked and when: titles with their texts."""
    subject, facts = verify_run.subject, []
    if subject.url:
        facts.append(("Address", escaped(subject.url)))
    if subject.has("container"):
        facts.append(("Container", escaped(subject.container.name)))
    if subject.has("image"):
        image = subject.image
        names, size = [*image.tags, f"release {image.release}"], unpacked_size(subject.project, image)
        facts.append(("Image", escaped(", ".join([*names, decimal(size)]))))
        revision = image.labels.get(REVISION_LABEL, "")
        facts += [("Revision", escaped(revision))] if revision else []
    return [*facts, ("Checked", f"{verify_run.when:%Y-%m-%d %H:%M:%S} UTC, in {verify_run.seconds:.1f} s")]


def _tick_distance(end: float) -> float:
    """A round distance that gives at most three ticks after 0: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** floor(log10(end / 3))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= end / 3)
