"""What a visitor sees. Judged with a real browser, on one visit that all of these checks share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from docktasks.errors import Skip
from docktasks.output import counted
from docktasks.verify.probes.places import UNKNOWN_PATH
from docktasks.verify.probes.references import LOCAL
from docktasks.verify.registry import Major, Minor, Note, check
from docktasks.verify.subject import Subject

if TYPE_CHECKING:  # these load the browser's driver
    from docktasks.verify.probes.page_events import Kind, PageSnapshot
    from docktasks.verify.probes.visit import Visit

CHUNK = re.compile(r"\.(?:m?js|css)(?:\?[^:]*)?: ")
"""Matches a request that failed, if it is for code."""
ABOUT_UNKNOWN = "advice: at an address that the app does not know it shows an empty page. Give its router one for it"
UNKNOWN_NAME = re.escape(UNKNOWN_PATH.strip("/"))
REPORTS_UNKNOWN = re.compile(
    rf": error: .*/{UNKNOWN_NAME}[^\w/]*$"
    rf"|/{UNKNOWN_NAME}[^:]*: (?:uncaught|error): .*(?:React error #4(?:1[89]|2[0-5])\b|Hydration (?:failed|completed))"
)
"""What a router logs about the address that verify made up, such as SvelteKit's `Error: Not found: /shop/…`; and what
React and Vue say where the page that answers it was rendered for another address, so that they render it again."""
NO_TITLE = re.compile(r"\s*(?:undefined|null|NaN|\[object \w+\])\s*")
"""Matches a title that a script made of a value that it did not have."""
HOSTED = re.compile(
    r"^(?:error: Refused to execute script from ')?https?://[^/\s]+"
    r"(/(?:_vercel/(?:speed-)?insights|cdn-cgi/(?:rum|challenge-platform|zaraz|scripts))(?![\w-])[^\s'\":?]*)",
    re.MULTILINE,
)
"""What only measures visits, and only a host adds to a site. @vercel/analytics loads it in each production build."""
Step = Literal["first", "deep", "inject", "follow", "audit"]


def _visit(subject: Subject, step: Step) -> Visit:
    """The visit. Raises Skip if it ended before this step, or if containers that come and go disturbed the step."""
    visit = subject.visit()
    if step in visit.disturbed:
        raise Skip("containers that start or end cut off what pages load: verify again while no other one does")
    if step not in visit.finished:
        raise Skip("the visit ended before this step: see browser.renders and the step before")
    return visit


def _failures(visit: Visit, step: Step) -> Iterable[str]:
    """What kept the browser from finishing the step, if anything did. Raises Skip if a page did not stay."""
    if visit.was_interrupted(step):
        raise Skip(f"a page loads again, or another page, while one looks at it (browser.idle): {visit.failures[step]}")
    return [visit.failures[step]] if step in visit.failures else []


def _unseen(visit: Visit) -> Iterator[str]:
    opened = {page.label.partition(" ")[0] for page in visit.audited}
    if "audit" in visit.failures:
        yield Note("not looked at after a while: see browser.accessible")
    elif unopened := [path for path in visit.unseen if path not in opened]:
        yield Note(f"not looked at, for want of time: {', '.join(unopened)}")


def _page_faults(subject: Subject, step: Step, pages: list[PageSnapshot]) -> Iterator[str]:
    visit = subject.visit()
    for page in pages:
        if page.status >= 400:  # noqa: PLR2004 - HTTP's errors, whose pages have content, too
            yield f"{page.label}: the server answers {page.status}"
        elif not page.has_content:
            events = [*_of_site(subject, page.texts("console", "network", "policy"))]
            reasons = (events or page.texts("unreachable"))[:2]
            look = "shows one color only" if page.is_one_color else "is empty"
            text = f"{page.label}: the page {look}" + (f" ({'; '.join(reasons)})" if reasons else "")
            is_unknown = not events and UNKNOWN_PATH in page.label  # an app without a page for it shows none
            yield Note(ABOUT_UNKNOWN) if is_unknown else text
        elif NO_TITLE.fullmatch(page.title):
            yield Major(f"{page.label}: the page's title is `{page.title}`")
        elif not page.title.strip() and UNKNOWN_PATH not in page.label:
            yield f"{page.label}: the page has no title"
    yield from _unseen(visit)
    yield from _failures(visit, step)


def _of_site(subject: Subject, events: Iterable[str]) -> Iterator[str]:
    """Yield the events but for those about the API, which answers as it likes, and about a file of another host."""
    own = (event for event in events if not HOSTED.search(event))
    return (event for event in own if not subject.site.is_api(event.partition(": ")[0]))


def _events(subject: Subject, kind: Kind) -> Iterator[str]:
    """The events of one kind, on each page of the visit."""
    visit = _visit(subject, "first")
    if visit.disturbed:
        yield Note(f"not judged, because containers that start or end cut it off: {', '.join(sorted(visit.disturbed))}")
    if "press" in visit.failures:
        yield Note(f"not all buttons and forms were tried: {visit.failures['press']}")
    yield from _unseen(visit)
    for page in visit.pages:
        yield from (f"{page.label}: {event}" for event in _of_site(subject, page.texts(kind)))


@check("browser.renders", "critical", fix="Read the browser's console: a script may throw or be missing")
def renders(subject: Subject) -> Iterator[str]:
    """The page has content and a title, also after a reload, and after a while in a narrow and dark window."""
    visit = _visit(subject, "first")
    if "late" in visit.finished and (not visit.late or "late" in visit.failures):
        yield Note("the first page was not looked at again in the end: it has a canvas, is busy, or was cut off")
    yield from _page_faults(subject, "first", [*visit.first, *visit.audited[:1], *visit.late])


@check("browser.deep-link", "critical", fix="Serve index.html for every page. Reference files from the root (base '/')")
def deep_link(subject: Subject) -> Iterator[str]:
    """Linked pages, up to ten, have content and a title when opened by their addresses. One is also reloaded."""
    visit = _visit(subject, "deep")
    return _page_faults(subject, "deep", [*visit.deep, *visit.audited[1:]])


@check("browser.console", "major", fix="Correct what the line reports. Log expected errors on the server instead")
def console(subject: Subject) -> Iterator[str]:
    """No script throws or logs an error, also not after a while, and none throws after a click on a button."""
    return (line for line in _events(subject, "console") if not REPORTS_UNKNOWN.search(line))


@check("browser.interruptions", "major", fix="Wait with it until the visitor has asked for it, such as by a click")
def interruptions(subject: Subject) -> Iterator[str]:
    """A page that nobody touches opens nothing, asks for nothing, makes no sound, stays here, and lets one leave."""
    for line in _events(subject, "interruptions"):
        # Who has followed a link to a page may expect that it asks or plays.
        is_followed = line.endswith("nobody has touched it") and not line.startswith(("/: ", "/ "))
        yield Minor(line) if is_followed else line


@check("browser.idle", "major", fix="Find the timer or the loop in the app's code, and end it or let it wait longer")
def idle(subject: Subject) -> Iterator[str]:
    """A page that nobody touches rests: it does not load or ask without end, block, or take more and more memory."""
    lines = list(_events(subject, "activity"))
    for line in lines:
        yield Minor(line) if line.endswith("or another one, by itself") else line  # it may do so once
    unreported = (path for path in subject.visit().restless if not any(line.startswith(f"{path} ") for line in lines))
    yield from (Minor(f"{path}: the page does not stay while one looks at it") for path in unreported)


@check("browser.network", "major", fix="A file: is it in the build, at this path? An API: set api (docs/api.md)")
def network(subject: Subject) -> Iterator[str]:
    """No request of a page, its buttons and forms fails, and its files can be read. Hosts out of reach are notes."""
    yield from _events(subject, "network")
    if subject.has("image"):  # its nginx serves files. Another server was not asked, because a POST may change data
        targets = subject.visit().posts.items()
        yield from (f"{path}: {url}: nothing takes the form that is sent there by POST" for url, path in targets)
    lines = [line for page in subject.visit().pages for line in page.texts("unreachable")]
    local = dict.fromkeys(line for line in lines if LOCAL.match(line))  # where one develops, the API may not run
    yield from (Minor(f"{line}, an address of a developer's machine") for line in local)
    failed = "\n".join(line for page in subject.visit().pages for line in page.texts("network"))
    hosted = dict.fromkeys(match[1] for match in HOSTED.finditer(failed))
    yield from (Minor(f"{path}: only Vercel or Cloudflare has it. Load it only there") for path in hosted)
    hosts = dict.fromkeys(re.sub(r"^(\w+://[^/]+)/\S*(: .+)$", r"\1\2", line) for line in lines)
    yield from (Note(f"not judged, because another host did not answer: {text}") for text in hosts)


@check("browser.policy", "critical", fix="Allow its source (prod.csp_sources), or build again if a page was changed")
def policy(subject: Subject) -> Iterator[str]:
    """The Content-Security-Policy blocks nothing that the pages need."""
    yield from _events(subject, "policy")
    if subject.visit().strict == ():
        yield Note("advice: prod.csp: strict blocks nothing that these pages did here (docs/image.md)")


@check("browser.injection", "major", fix="Send script-src 'self' without 'unsafe-inline' (security.conf)")
def injection(subject: Subject) -> Iterator[str]:
    """The Content-Security-Policy stops an inline script that is injected into the document."""
    visit = _visit(subject, "inject")
    yield from visit.injected
    yield from _failures(visit, "inject")


@check(
    "browser.navigation",
    "critical",
    fix="Look in the browser's console for the chunk that the click loads. Add to the history on a click only",
)
def navigation(subject: Subject) -> Iterator[str]:
    """A click on each of the page's own links shows another page. The back button leaves each page."""
    visit = _visit(subject, "follow")
    yield from visit.dead_links
    events = [(page.label.partition(" ")[0], text) for page in visit.pages for text in page.texts("activity")]
    again = {path for path, text in events if "loads itself again" in text}  # browser.idle reports them
    yield from (Major(line) for line in visit.dead_ends if line.partition(":")[0] not in again)
    for page in visit.followed:
        if not page.has_content:
            yield f"{page.label}: the page is empty"
        # Chunks load only then. What else fails is the finding of browser.network, browser.console and browser.policy.
        failed = _of_site(subject, page.texts("network"))
        yield from (f"{page.label}: {line}" for line in failed if CHUNK.search(line))
    yield from _failures(visit, "follow")


@check(
    "browser.accessible",
    "minor",
    fix="https://dequeuniversity.com/rules/axe explains each rule by its name",
    is_of_app=True,
)
def accessible(subject: Subject) -> Iterator[str]:
    """axe has nothing against WCAG 2.2 A and AA: first page in 4 views, linked ones in 2. Tab leaves each element."""
    visit = _visit(subject, "audit")
    if visit.unseen:
        yield Note(f"there was no time for {counted(len(visit.unseen), 'linked page')}: {', '.join(visit.unseen)}")
    yield from (f"{view}: {fault}" for view, faults in visit.audits.items() for fault in faults)
    yield from _failures(visit, "audit")
    _require_seen(visit)


@check(
    "browser.no-sideways-scroll",
    "minor",
    fix="Let wide content wrap or scroll by itself (overflow-x: auto)",
    is_of_app=True,
)
def no_sideways_scroll(subject: Subject) -> Iterator[str]:
    """The first page and those that it links to do not scroll sideways, even in a window 360 pixels wide."""
    visit = _visit(subject, "audit")
    for (path, window), width in visit.widths.items():
        if width > window:
            yield f"{path}: in a window of {window} pixels the page is {width} wide"
    _require_seen(visit)


@check(
    "browser.reach",
    "minor",
    fix="Remove overflow: hidden from html and body, or let a part of the page scroll",
    is_of_app=True,
)
def reach(subject: Subject) -> Iterator[str]:
    """A visitor can scroll to what the first page, or one that it links to, has below a window 360 pixels wide."""
    visit = _visit(subject, "audit")
    for path, text in visit.cut_off.items():
        yield f"{path}: nobody can scroll to `{text}`: html or body hides what is below the window"
    _require_seen(visit)


def _require_seen(visit: Visit) -> None:
    """Raise Skip if a page was not seen to the end."""
    if "audit" in visit.failures:
        raise Skip("the browser did not get through all pages: see browser.accessible")
    if visit.restless:
        raise Skip(f"pages load again or crash while one looks at them (browser.idle): {', '.join(visit.restless)}")
