"""A real browser: on releases that take each other's place, and on pages that would keep it for ever."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import psutil
import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page

from docktasks.verify.catalog import run_checks, select
from docktasks.verify.once import Once
from docktasks.verify.probes.chromium import PageEvents, PageSnapshot, launch_browser, new_page, open_page, settle
from docktasks.verify.probes.visit import Visit, visit
from docktasks.verify.registry import Verdict
from docktasks.verify.subject import Subject
from docktasks.waiting import Probe, wait_until
from tests.engine.support import Project

RUN = ("run-prod", "--no-build")
PAGE = "<!doctype html><html lang=en><title>{title}</title><main><h1>{title}</h1></main>{more}"
PAGES = {
    "polls": PAGE.format(title="polls", more="<script>setInterval(() => fetch(location.href), 50)</script>"),
    "loops": PAGE.format(title="loops", more="<script>for (;;) {}</script>"),
    "loops-later": PAGE.format(title="loops", more="<script>setTimeout(() => { for (;;) {} }, 100)</script>"),
    "blank": "<!doctype html><title>blank</title><div id=app></div>",
    "moved": "",
}


@pytest.fixture
def address() -> Iterator[str]:
    """Where the pages are served, each below its name; `moved` redirects to itself."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/").partition("/")[0]
            self.send_response(302 if name == "moved" else 200 if name in PAGES else 404)
            self.send_header("Location", "/moved/")
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # a browser that is ended hangs up
                self.wfile.write(PAGES.get(name, "<h1>Not found</h1>").encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def browsers() -> list[psutil.Process]:
    """The browsers that this process has started, and their pages."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "chrom" in process.name():
                found.append(process)
    return found


def judged(seen: Visit) -> dict[str, Verdict]:
    """What the checks of the group say of a visit."""
    subject = Subject("http://127.0.0.1:1")
    subject.chromium, subject.visit = "/there", Once(lambda: seen)
    return {verdict.check.id: verdict for verdict in run_checks(subject, select(["browser"]))}


@pytest.mark.parametrize("name", ["loops", "loops-later"])
def test_page_that_never_answers_ends(address: str, chromium: str, name: str) -> None:
    """A script without end costs the limit and no more: the page fails, the rest is skipped, no process is left."""
    verdicts = judged(visit(f"{address}/{name}", chromium, 4))
    assert {name for name, verdict in verdicts.items() if verdict.outcome == "fail"} == {"browser.renders"}
    assert "the page kept the browser busy for 4 s, or crashed it" in verdicts["browser.renders"].evidence
    assert verdicts["browser.accessible"].outcome == "skip"
    assert wait_until(lambda: Probe(not browsers()), limit=10).ready


def test_page_that_never_ends_loading_is_looked_at(address: str, chromium: str) -> None:
    """A page that asks for something all the time shows what it shows."""
    seen = visit(f"{address}/polls", chromium, 8).first[0]
    assert (seen.has_content, seen.title, seen.console, seen.network) == (True, "polls", (), ())


@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("blank", "/: the page is empty"),
        ("moved", "net::ERR_TOO_MANY_REDIRECTS"),
        ("no-such", "/: the server answers 404"),
    ],
)
def test_page_that_shows_nothing_fails(address: str, chromium: str, name: str, evidence: str) -> None:
    """Each has its own words."""
    verdict = judged(visit(f"{address}/{name}", chromium, 30))["browser.renders"]
    assert verdict.outcome == "fail"
    assert evidence in verdict.evidence[0]


def test_nobody_listens(chromium: str) -> None:
    """An address that nobody listens at is told at once, and only once."""
    verdicts = judged(visit("http://127.0.0.1:9", chromium))
    assert {name for name, verdict in verdicts.items() if verdict.outcome == "fail"} == {"browser.renders"}


def test_crash_is_told(chromium: str) -> None:
    """A page whose process dies is named as such."""
    with launch_browser(chromium, 30) as browser, new_page(browser) as page:
        told = PageEvents(page)
        with page.expect_event("crash"), contextlib.suppress(BrowserError):
            page.goto("chrome://crash")
        assert told.console == ["the page crashed"]


def click(page: Page, told: PageEvents, path: str) -> tuple[PageSnapshot, list[str]]:
    """What a click on a link shows, and the chunks that were asked for because of it."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def go() -> None:
        page.locator(f'a[href="{path}"]:visible').first.click()
        page.wait_for_url(f"**{path}")

    seen = told.snapshot(path, lambda: settle(go, page))
    return seen, [url for url in asked if url.endswith(".js")]


def opened(page: Page, url: str) -> PageEvents:
    """A page with a mark that a reload would wipe."""
    told = PageEvents(page)
    open_page(page, f"{url}/")
    page.evaluate("globalThis.helloDockSame = true")
    told.clear()
    return told


def goes_on(page: Page, seen: PageSnapshot, chunks: list[str]) -> None:
    """Check that the page loaded what it needed, without an error and without being loaded anew."""
    assert seen.has_content
    assert (seen.console, seen.network, seen.policy) == ((), (), ())
    assert chunks
    assert page.evaluate("globalThis.helloDockSame === true")


def test_open_pages_go_on_when_the_release_changes(project: Project, builds: list[str], chromium: str) -> None:
    """A page of either build loads its chunks after the other has taken its place: by a swap, and by a rollback."""
    project.stage(builds[0])
    project.does(*RUN)
    url = project.container().url
    with launch_browser(chromium, 200) as browser, new_page(browser) as first, new_page(browser) as second:
        told = opened(first, url)
        project.stage(builds[1])
        project.does(*RUN)
        seen, chunks = click(first, told, "/image")
        goes_on(first, seen, chunks)
        assert not first.get_by_text("second", exact=True).count()

        told = opened(second, url)
        project.does("rollback")
        seen, of_second = click(second, told, "/image")
        goes_on(second, seen, of_second)
        assert second.get_by_text("second", exact=True).count()
        assert set(of_second).isdisjoint(chunks)
