"""A real browser on releases that replace each other."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from docktasks.verify.probes.chromium import launch_browser, new_page, open_page, settle
from docktasks.verify.probes.page_events import PageEvents, PageSnapshot
from tests.support.project import RUN_STAGED, ProjectUnderTest


def click(page: Page, events: PageEvents, path: str) -> tuple[PageSnapshot, list[str]]:
    """Click on a link and return what the page then shows, and the scripts that it requested."""
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))

    def go() -> None:
        page.locator(f'a[href="{path}"]:visible').first.click()
        page.wait_for_url(f"**{path}")

    snapshot = events.snapshot(path, lambda: settle(go, page))
    return snapshot, [url for url in urls if url.endswith(".js")]


def open_marked_page(page: Page, url: str) -> PageEvents:
    """Open a page and set a mark that a reload would remove."""
    events = PageEvents(page)
    open_page(page, f"{url}/")
    page.evaluate("globalThis.helloDockSame = true")
    events.clear()
    return events


def assert_page_continues(page: Page, snapshot: PageSnapshot, chunks: list[str]) -> None:
    """Check that the page has loaded scripts, without an error and without a reload."""
    assert snapshot.has_content
    assert snapshot.texts("console", "network", "policy") == []
    assert chunks
    assert page.evaluate("globalThis.helloDockSame === true")


@pytest.mark.long  # tests/engine/sites has open pages of each kind
def test_open_pages_load_their_chunks_after_a_release_change(
    project: ProjectUnderTest, two_builds: list[str], chromium: str
) -> None:
    """A page of either build loads its chunks after the other build replaced it, by a swap and by a rollback."""
    project.stage(two_builds[0])
    project.succeeds(*RUN_STAGED)
    url = project.container().url
    with launch_browser(chromium, 200) as browser, new_page(browser) as first, new_page(browser) as second:
        events = open_marked_page(first, url)
        project.stage(two_builds[1])
        project.succeeds(*RUN_STAGED)
        snapshot, chunks = click(first, events, "/image")
        assert_page_continues(first, snapshot, chunks)
        assert not first.get_by_text("second", exact=True).count()

        events = open_marked_page(second, url)
        project.succeeds("rollback")
        snapshot, second_chunks = click(second, events, "/image")
        assert_page_continues(second, snapshot, second_chunks)
        assert second.get_by_text("second", exact=True).count()
        assert set(second_chunks).isdisjoint(chunks)
