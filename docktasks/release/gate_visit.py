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
    from playwright.sync_api import Browser

VISIT_TIMEOUT_S = 30
"""How long a visit may take. Then the release goes on, with a notice. A page takes half a second on an idle machine."""
TOO_SLOW = f"Chromium did not end its visit within {VISIT_TIMEOUT_S} s"
END_TIMEOUT_S = 5
"""How long a browser may then take to end."""
MAX_LINKED_PAGES = 3
MAX_VISITS = 3
"""A visit is repeated while the machine's network changes, as when another container starts."""


@dataclass(frozen=True)
class Findings:
    """What a visit found: the number of pages, the `faults` that refuse the release, and notices for the user."""

    pages: int = 0
    faults: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


class GateVisit:
    """A visit in a thread, whose browser starts at once: that takes as long as the candidate takes to start."""

    def __init__(self, project: Project) -> None:
        self._address: Future[str] = Future()
        self._mark = secrets.token_hex(8)
        self._find = in_background(lambda: _visit(project, self._address, self._mark))

    def begin(self, url: str) -> None:
        """Let the browser open the site at `url`; an empty one ends the visit."""
        if not self._address.done():
            self._address.set_result(url)

    def findings(self) -> Findings:
        """Wait for what the visit found."""
        try:
            return self._find(VISIT_TIMEOUT_S + END_TIMEOUT_S)
        except FutureTimeout:
            return _not_seen(TOO_SLOW)

    def end(self) -> None:
        """End the browser. Python crashes if it exits while Playwright drives one."""
        self.begin("")
        for limit_s in (END_TIMEOUT_S, VISIT_TIMEOUT_S):
            with suppress(FutureTimeout):
                self._find(limit_s)
                return
            from docktasks.verify.probes import chromium

            chromium.kill_browser(self._mark)


def _not_seen(reason: str) -> Findings:
    return Findings(notices=(f"The gate has not judged the page in a browser: {reason}.",))


def _visit(project: Project, address: Future[str], mark: str) -> Findings:
    """Start a browser, and visit the site whose address comes later. Without a browser there is nothing to find."""
    executable = Subject(project=project).chromium if project.settings.prod.gate_browser == "auto" else ""
    if not executable:
        return Findings()
    from playwright.sync_api import Error as BrowserError

    from docktasks.verify.probes import chromium

    timeout_s = project.settings.prod.deploy_timeout + VISIT_TIMEOUT_S
    timer = Timer(VISIT_TIMEOUT_S, chromium.kill_browser, [mark])
    timer.daemon = True
    try:
        with chromium.launch_browser(executable, timeout_s, mark) as browser:
            url = address.result(timeout_s)
            timer.start()
            for _ in range(MAX_VISITS if url else 0):
                findings, is_disturbed = _visit_pages(browser, url, project.settings.api.prefixes)
                if not is_disturbed:
                    return findings
            return _not_seen("the machine's network changed meanwhile") if url else Findings()
    except BrowserError as error:
        return _not_seen(TOO_SLOW if timer.finished.is_set() else chromium.short_message(error))
    except FutureTimeout:
        return _not_seen("the new release took too long to start")
    finally:
        timer.cancel()


def _visit_pages(browser: Browser, url: str, api: tuple[str, ...]) -> tuple[Findings, bool]:
    """Open the entry page and some pages that it links to, as one visitor. True if the network changed meanwhile.

    `api` are the prefixes below which an API answers.
    """
    from docktasks.release.page_visit import PageVisit
    from docktasks.verify.probes.chromium import new_page

    faults, notices, links, is_disturbed = list[str](), list[str](), [url], False
    with new_page(browser) as first_page:
        for index, link in enumerate(links):
            visit = PageVisit(first_page.context.new_page() if index else first_page, link)
            visit.open()
            if index == 0:
                own_links = (link for link in visit.own_links() if not is_below(urlsplit(link).path, api))
                links += islice(own_links, MAX_LINKED_PAGES)
            faults += visit.faults(browser)
            notices += visit.notices()
            is_disturbed = is_disturbed or visit.is_disturbed
    return Findings(len(links), tuple(faults), tuple(dict.fromkeys(notices))), is_disturbed
