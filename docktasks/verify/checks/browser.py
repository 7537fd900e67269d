"""What a person gets to see: judged with a real browser, from one visit that all of these share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from docktasks.verify.registry import Skip, check
from docktasks.verify.subject import Subject

if TYPE_CHECKING:  # loading a browser's driver takes as long as many a check
    from docktasks.verify.probes.chromium import Seen
    from docktasks.verify.probes.visit import Visit


def _visited(subject: Subject, step: str) -> Visit:
    """The visit, for a check of what this step of it has shown."""
    visit = subject.visit
    if step not in visit.made:
        raise Skip("the visit did not come so far: see browser.renders, and the step before this one")
    return visit


def _trouble(visit: Visit, step: str) -> Iterator[str]:
    if step in visit.trouble:
        yield visit.trouble[step]


def _shows(pages: list[Seen]) -> Iterator[str]:
    for seen in pages:
        if seen.status >= 400:  # noqa: PLR2004 - HTTP's errors, whose page shows something, too
            yield f"{seen.where}: the server answers {seen.status}"
        elif not seen.shows:
            told = "; ".join([*seen.console, *seen.network, *seen.policy][:2])
            yield f"{seen.where}: nothing is to be seen{f' ({told})' if told else ''}"
        elif not seen.title.strip():
            yield f"{seen.where}: without a title"
        elif seen.title != pages[0].title:
            yield f"{seen.where}: the title is {seen.title!r}, and was {pages[0].title!r}"


@check(
    "browser.renders",
    severity="critical",
    needs="browser",
    fix="Open the page in a browser with its console: a script that throws, or is not there, leaves it empty",
)
def renders(subject: Subject) -> Iterator[str]:
    """The page shows something, and has a title; the same after a reload."""
    visit = _visited(subject, "first")
    yield from _shows(visit.first)
    yield from _trouble(visit, "first")


@check(
    "browser.deep-link",
    severity="critical",
    needs="browser",
    fix="Serve index.html for every page of the app, with its files named from the root (Vite: base '/', not './')",
)
def deep_link(subject: Subject) -> Iterator[str]:
    """A page below the first shows something when it is opened by its address, and after a reload."""
    visit = _visited(subject, "deep")
    yield from _shows(visit.deep)
    yield from _trouble(visit, "deep")


@check(
    "browser.console",
    severity="major",
    needs="browser",
    fix="Mend what the line says; a console.error that is meant belongs into the server's log, not to every visitor",
)
def console(subject: Subject) -> Iterator[str]:
    """No script throws, none logs an error, and no dialog stands before the page."""
    yield from (f"{seen.where}: {line}" for seen in _visited(subject, "first").pages for line in seen.console)


@check(
    "browser.network",
    severity="major",
    needs="browser",
    fix="Look whether the file is in the build (dist/), and whether the page names it by the path it is served at",
)
def network(subject: Subject) -> Iterator[str]:
    """No request of a page fails, or is answered with an error."""
    yield from (f"{seen.where}: {line}" for seen in _visited(subject, "first").pages for line in seen.network)


@check(
    "browser.policy",
    severity="critical",
    needs="browser",
    fix="Move what is inline into a file, or name its source in the policy (nginx/serving/security.conf)",
)
def policy(subject: Subject) -> Iterator[str]:
    """The Content-Security-Policy blocks nothing that the pages need."""
    yield from (f"{seen.where}: {line}" for seen in _visited(subject, "first").pages for line in seen.policy)


@check(
    "browser.injection",
    severity="major",
    needs="browser",
    fix="Send a Content-Security-Policy with script-src 'self' and no 'unsafe-inline' (nginx/serving/security.conf)",
)
def injection(subject: Subject) -> Iterator[str]:
    """An inline script that is put into the document does not run, for the Content-Security-Policy stops it."""
    visit = _visited(subject, "inject")
    yield from visit.injected
    yield from _trouble(visit, "inject")


@check(
    "browser.navigation",
    severity="critical",
    needs="browser",
    fix="Look for the chunk that the click loads: in /assets/ of the build, and in the browser's console",
)
def navigation(subject: Subject) -> Iterator[str]:
    """A click on each of the page's own links shows another page, whose chunks are loaded only then."""
    visit = _visited(subject, "follow")
    yield from visit.unmoved
    for seen in visit.followed:
        if not seen.shows:
            yield f"{seen.where}: nothing is to be seen"
        yield from (f"{seen.where}: {line}" for line in (*seen.console, *seen.network, *seen.policy))
    yield from _trouble(visit, "follow")


@check(
    "browser.accessible",
    severity="major",
    needs="browser",
    fix="https://dequeuniversity.com/rules/axe explains each rule by its name",
)
def accessible(subject: Subject) -> Iterator[str]:
    """axe finds nothing against WCAG 2.2 A and AA on the first page and one below it: light, dark, wide and narrow."""
    visit = _visited(subject, "audit")
    yield from (f"{how}: {fault}" for how, faults in visit.audits.items() for fault in faults)
    yield from _trouble(visit, "audit")


@check(
    "browser.fits",
    severity="minor",
    needs="browser",
    fix="Let what is too wide wrap, or scroll by itself (overflow-x: auto); and have a meta viewport",
)
def fits(subject: Subject) -> Iterator[str]:
    """Nothing scrolls sideways on the first page and one below it, 360 wide neither."""
    for (path, width), taken in _visited(subject, "audit").widths.items():
        if taken > width:
            yield f"{path}, {width} wide: the page takes {taken}"
