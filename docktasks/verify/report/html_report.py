"""A run of checks as one HTML page that loads nothing else."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from docktasks import __version__
from docktasks.images.sizes import unpacked_size
from docktasks.verify.probes.page_timing import first_load
from docktasks.verify.report import charts
from docktasks.verify.report.run import VerifyRun, escaped, shortened, truncated

MAX_FAULTS = 100
"""How many faults of one check are shown."""


def render(verify_run: VerifyRun) -> str:
    """The page. Texts of checks, sites and images are escaped, and its policy lets no script run."""
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"escaped": escaped, "decimal": charts.decimal}
    style = (folder / "page.css").read_text(encoding="utf-8")
    subject = verify_run.subject
    visit, contents = subject.visit.peek(), subject.contents.peek()
    return environment.get_template("page.html.j2").render(
        run=verify_run,
        count=verify_run.count(),
        name=escaped(verify_run.name),
        facts=_facts(verify_run),
        faults=lambda verdict: truncated(verdict, MAX_FAULTS),
        finding=lambda verdict: shortened(verdict.finding),
        waterfall=charts.waterfall(first_load(visit.timings), subject.url) if visit else None,
        screenshot=charts.data_uri(visit.screenshot) if visit and visit.screenshot else "",
        layers=charts.layer_bars(contents.layers) if contents else [],
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
        facts.append(("Image", escaped(", ".join([*names, charts.decimal(size)]))))
        revision = image.labels.get("org.opencontainers.image.revision", "")
        facts += [("Revision", escaped(revision))] if revision else []
    return [*facts, ("Checked", f"{verify_run.when:%Y-%m-%d %H:%M:%S} UTC, in {verify_run.seconds:.1f} s")]
