"""A visit of a site with a real browser: made once, and whatever the browser checks judge was seen on it.

Everything is bounded: a step has its limit, and the whole visit one after which the browser is ended, whatever the
page keeps it busy with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Literal
from urllib.parse import urljoin, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as BrowserError

from docktasks.verify.probes.chromium import (
    BLANK,
    PATIENCE,
    WIDE,
    Seen,
    Told,
    again,
    browsing,
    open_page,
    page_of,
    settle,
    words,
)
from docktasks.verify.probes.page_timing import Load, Loads
from docktasks.waiting import Probe, wait_until

LIMIT = 90.0
"""Seconds for the whole visit."""
CHANGED = "net::ERR_NETWORK_CHANGED"
"""What Chromium says to all that it is just loading when an interface of the machine comes or goes."""
LINKS = 10
"""How many of the page's own links are followed."""
MADE_UP = "/no-such-page-5f2c"
NARROW = (360, 780)
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")

# A script that a policy against inline scripts has to stop; the browser then says so with an event.
INJECTED = """() => new Promise((told) => {
  const tell = (reported) => told({ ran: globalThis.helloDockInjected === true, reported })
  addEventListener('securitypolicyviolation', (event) => tell(event.effectiveDirective), { once: true })
  const script = document.createElement('script')
  script.textContent = 'globalThis.helloDockInjected = true'
  document.head.append(script)
  setTimeout(tell, 500, '')
})"""
OWN_LINKS = """(links) => links.filter((link) => link.origin === location.origin && !link.hash && !link.target
  && !link.hasAttribute('download') && link.checkVisibility() && /^[^.]*(\\.html?)?$/.test(link.pathname))
  .map((link) => [link.getAttribute('href'), link.href])"""
STILL = """() => Promise.race([Promise.all(document.getAnimations().map((each) => each.finished)),
  new Promise((over) => setTimeout(over, 1000))])"""


@dataclass
class Visit:
    """A visit: `loads` and `screenshot` of the first page, every page that was seen, and what was tried on them.

    `trouble` has, by the name of a step, what kept the browser from finishing it; a step that was not reached is not
    among those `made`.
    """

    loads: tuple[Load, ...] = ()
    screenshot: bytes = b""
    first: list[Seen] = field(default_factory=list)
    deep: list[Seen] = field(default_factory=list)
    followed: list[Seen] = field(default_factory=list)
    injected: tuple[str, ...] = ()
    unmoved: list[str] = field(default_factory=list)
    audits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    widths: dict[tuple[str, int], int] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    trouble: dict[str, str] = field(default_factory=dict)

    @property
    def pages(self) -> list[Seen]:
        """Every page that was seen, in order."""
        return [*self.first, *self.deep, *self.followed]

    @property
    def was_disturbed(self) -> bool:
        """True when an address of this machine came or went, as wherever a container starts: no fault of the site's."""
        told = [line for seen in self.pages for line in (*seen.network, *seen.console)]
        return any(CHANGED in line for line in (*told, *self.trouble.values()))


def visit(url: str, executable: str, limit: float = LIMIT) -> Visit:
    """Visit a site from its first page on; a step that the browser does not get done is told, and the next is made.

    Again, twice at the most, when the machine's network changed meanwhile.
    """
    for _ in range(3):
        made = _once(url, executable, limit)
        if not made.was_disturbed:
            break
    return made


def _once(url: str, executable: str, limit: float) -> Visit:
    made = Visit()
    try:
        with browsing(executable, limit) as browser:
            _visit(_Visitor(browser, url, made), limit)
    except BrowserError as error:  # it cannot be started; or had to be ended, which is told already
        if not made.made:
            made.made.add("first")
            made.trouble["first"] = words(error)
    return made


def _visit(visitor: _Visitor, limit: float) -> None:
    made, browser = visitor.made, visitor.browser
    for step in (visitor.first, visitor.deep, visitor.inject, visitor.follow, visitor.audit):
        try:
            step()
        except BrowserError as error:
            made.trouble[step.__name__] = words(error)
        made.made.add(step.__name__)
        if not browser.is_connected():
            made.trouble[step.__name__] = f"the page kept the browser busy for {limit:.0f} s, or crashed it"
        if not browser.is_connected() or not made.first or not all(seen.shows for seen in made.first):
            break


class _Visitor:
    """Makes the steps of a visit, each in a browser profile of its own, as somebody's who comes for the first time."""

    def __init__(self, browser: Browser, url: str, made: Visit) -> None:
        self.browser, self.url, self.made = browser, url, made
        self.links: list[tuple[str, str]] = []

    def first(self) -> None:
        """The page itself, what it loads, its picture; and the same after a reload."""
        with page_of(self.browser) as page:
            told, loads = Told(page), Loads(page)
            self.made.first.append(told.look("/", lambda: open_page(page, f"{self.url}/")))
            self.made.loads = loads.all()
            self.made.screenshot = page.screenshot(timeout=PATIENCE)
            if self.made.first[0].shows:  # else it may not answer at all
                self.links = _links(page)
                self.made.first.append(told.look("/ after a reload", lambda: again(page)))

    def deep(self) -> None:
        """A page below the first, by its address; and the same after a reload."""
        path = urlsplit(next((url for _, url in self.links), self.url + MADE_UP)).path
        with page_of(self.browser) as page:
            told, address = Told(page), urljoin(f"{self.url}/", path)
            self.made.deep.append(told.look(path, lambda: open_page(page, address)))
            self.made.deep.append(told.look(f"{path} after a reload", lambda: again(page)))

    def inject(self) -> None:
        """An inline script in the document, as an attacker's text would be that nobody escaped."""
        with page_of(self.browser) as page:
            open_page(page, f"{self.url}/")
            found = page.evaluate(INJECTED)
        faults = []
        if found["ran"]:
            faults.append("an inline script that was put into the document ran")
        elif not found["reported"].startswith("script-src"):
            faults.append(f"an inline script did not run, but not for script-src: {found['reported'] or 'no report'}")
        self.made.injected = tuple(faults)

    def follow(self) -> None:
        """Each of the page's own links, by a click: what it leads to is loaded only then."""
        with page_of(self.browser) as page:
            told = Told(page)
            open_page(page, f"{self.url}/")
            told.clear()
            for href, _ in self.links[:LINKS]:
                if not page.locator(_link(href)).count():
                    open_page(page, f"{self.url}/")
                click = partial(self._click, page, href)
                self.made.followed.append(told.look(f"a click on {href}", partial(settle, click, page)))

    def _click(self, page: Page, href: str) -> None:
        before = _text(page)
        page.locator(_link(href)).first.click(timeout=PATIENCE)
        changed = wait_until(lambda: Probe(_text(page) != before), BLANK / 1000)
        if not changed.ready:
            self.made.unmoved.append(f"a click on {href}: the page shows the same as before")

    def audit(self) -> None:
        """What axe says of both pages, wide and narrow, light and dark; and how wide they really are."""
        pages = {"/": f"{self.url}/"}
        if self.made.deep and all(seen.is_well for seen in self.made.deep):
            below = self.made.deep[0].where
            pages.setdefault(below, urljoin(f"{self.url}/", below))
        with page_of(self.browser, reduced_motion="reduce") as page:
            for (path, address), (width, height) in product(pages.items(), (WIDE, NARROW)):
                page.set_viewport_size({"width": width, "height": height})
                open_page(page, address)
                self.made.widths[path, width] = page.evaluate("document.documentElement.scrollWidth")
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme)
                    page.evaluate(STILL)  # else a colour is judged on its way to another
                    self.made.audits[f"{path}, {scheme}, {width} wide"] = tuple(_audit(page))


def _text(page: Page) -> str:
    """Address and text; of a page that is just going, nothing."""
    try:
        return f"{page.url}\n{page.locator('body').inner_text()}"
    except BrowserError:
        return ""


def _links(page: Page) -> list[tuple[str, str]]:
    """The page's own links to other pages of the site: as they stand there, and as addresses."""
    here = urlsplit(page.url)
    found: dict[str, str] = {}
    for href, url in page.locator("a[href]").evaluate_all(OWN_LINKS):
        if urlsplit(url).path != here.path and url not in found.values():
            found[href] = url
    return list(found.items())


def _link(href: str) -> str:
    escaped = href.replace("\\", "\\\\").replace('"', '\\"')
    return f'a[href="{escaped}"]:visible'


def _audit(page: Page) -> Iterator[str]:
    options = {"runOnly": list(WCAG), "resultTypes": ["violations"]}
    for violation in Axe().run(page, options=options).response["violations"]:
        nodes = [" ".join(map(str, node["target"])) for node in violation["nodes"]]
        more = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
        yield f"{violation['id']} ({violation['impact']}): {violation['help']}: {nodes[0]}{more}"
