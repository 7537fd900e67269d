"""The gate's visit with a browser: whether a page stays blank, throws, or lacks a script that the policy blocks.

Only what is surely the release's own fault refuses it. At the gate an API may be out of reach, as well as other hosts,
and a browser without a screen lacks a graphics card. What follows from that is a notice.
"""

from __future__ import annotations

import secrets
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from threading import Timer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from docktasks.api import is_below
from docktasks.app.project import Project
from docktasks.background import in_background
from docktasks.verify.subject import Subject

if TYPE_CHECKING:  # these load the browser's driver, for the visit only
    from playwright.sync_api import Browser, Page

VISIT_TIMEOUT_S = 30
"""How long a visit may take. Then the release goes on, with a notice. A page takes half a second on an idle machine."""
TOO_SLOW = f"Chromium did not end its visit within {VISIT_TIMEOUT_S} s"
END_TIMEOUT_S = 5
"""How long a browser may then take to end."""
MAX_OPENED_LINKS = 3
"""How many pages the browser opens that the entry page links to."""
MAX_VISITS = 3
"""A visit is repeated while the machine's network changes, as when another container starts."""


@dataclass(frozen=True)
class Findings:
    """What a visit found: the number of pages, the `faults` that refuse the release, and notices for the user."""

    pages: int = 0
    faults: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


class GateVisit:
    """A visit in a thread. Its browser starts at once, because that takes as long as the candidate takes to start.

    begin() tells the thread which site to open. findings() waits for what the visit found, end() for the browser's end.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._url: Future[str] = Future()
        self._findings: Future[Findings] = Future()
        self._mark = secrets.token_hex(8)
        self._wait_for_end = in_background(self._run)

    def begin(self, url: str) -> None:
        """Let the browser open the site at `url`; an empty one ends the visit."""
        if not self._url.done():
            self._url.set_result(url)

    def findings(self) -> Findings:
        """Wait for what the visit found."""
        try:
            return self._findings.result(VISIT_TIMEOUT_S + END_TIMEOUT_S)
        except FutureTimeout:
            return _not_seen(TOO_SLOW)

    def end(self) -> None:
        """End the browser. Python crashes if it exits while Playwright drives one."""
        self.begin("")
        for limit_s in (END_TIMEOUT_S, VISIT_TIMEOUT_S):
            with suppress(FutureTimeout):
                self._wait_for_end(limit_s)
                return
            from docktasks.verify.probes import chromium

            chromium.kill_browser(self._mark)

    def _run(self) -> None:
        """Visit the site, in the thread. Without a browser there is nothing to find."""
        try:
            is_allowed = self._project.settings.prod.gate_browser == "auto"
            if executable := Subject(project=self._project).chromium if is_allowed else "":
                self._visit(executable)
            else:
                self._report(Findings())
        except BaseException as error:  # noqa: BLE001 - the caller of findings() gets it
            if not self._findings.done():
                self._findings.set_exception(error)

    def _visit(self, executable: str) -> None:
        """Start the browser, visit the site as soon as its address is known, and close the browser."""
        from playwright.sync_api import Error as BrowserError

        from docktasks.verify.probes import chromium

        settings = self._project.settings
        timeout_s = settings.prod.deploy_timeout + VISIT_TIMEOUT_S
        timer = Timer(VISIT_TIMEOUT_S, chromium.kill_browser, [self._mark])
        timer.daemon = True
        try:
            with (
                chromium.launch_browser(executable, timeout_s, self._mark) as browser,
                chromium.new_page(browser) as page,  # a blank one, while the candidate starts
            ):
                url = self._url.result(timeout_s)
                timer.start()
                self._report(_visit_until_undisturbed(browser, page, url, settings.api.prefixes) if url else Findings())
        except BrowserError as error:
            self._report(_not_seen(TOO_SLOW if timer.finished.is_set() else chromium.short_message(error)))
        except FutureTimeout:
            self._report(_not_seen("the new release took too long to start"))
        finally:
            timer.cancel()

    def _report(self, findings: Findings) -> None:
        """Give the findings to findings(). Only the first count: an error while the browser closes says nothing."""
        if not self._findings.done():
            self._findings.set_result(findings)


def _not_seen(reason: str) -> Findings:
    return Findings(notices=(f"The gate has not judged the page in a browser: {reason}.",))


def _visit_until_undisturbed(browser: Browser, page: Page, url: str, api: tuple[str, ...]) -> Findings:
    from docktasks.verify.probes import chromium

    findings, is_disturbed = _visit_pages(page, url, api)
    for _ in range(MAX_VISITS - 1):
        if is_disturbed:
            with chromium.new_page(browser) as other_page:
                findings, is_disturbed = _visit_pages(other_page, url, api)
    return _not_seen("the machine's network changed meanwhile") if is_disturbed else findings


def _visit_pages(page: Page, url: str, api: tuple[str, ...]) -> tuple[Findings, bool]:
    """Open the entry page, and then some pages that it links to, as one visitor. True if the network changed meanwhile.

    `api` are the prefixes below which an API answers.
    """
    from docktasks.release.page_visit import PageVisit, open_all

    entry = PageVisit(page, url)
    open_all([entry])
    own_links = (link for link in entry.own_links() if not is_below(urlsplit(link).path, api))
    linked = [PageVisit(page.context.new_page(), link) for link in islice(own_links, MAX_OPENED_LINKS)]
    open_all(linked)
    visits = [entry, *linked]
    faults = [fault for visit in visits for fault in visit.faults()]
    notices = dict.fromkeys(notice for visit in visits for notice in visit.notices())
    return Findings(len(visits), tuple(faults), tuple(notices)), any(visit.is_disturbed for visit in visits)
