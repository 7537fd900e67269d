"""Sites of frameworks that build with Vite work in production as they are, also in a page of the release before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, sync_playwright

from docktasks.verify.probes.chromium import open_page
from docktasks.verify.probes.page_events import NETWORK_CHANGED
from tests.engine.sites.conftest import SiteFactory
from tests.engine.sites.frameworks import SITES
from tests.support.checkouts import make_repository, write_app
from tests.support.long_forms import long
from tests.support.project import ProjectUnderTest

SHORT = {"astro"}
"""The frameworks of the short form. Each other one installs for minutes; MATRIX=all takes them all."""


@pytest.fixture(scope="module", params=[name if name in SHORT else long(name) for name in SITES])
def framework(request: pytest.FixtureRequest) -> str:
    """The name of a framework."""
    return str(request.param)


@pytest.fixture(scope="module")
def app(framework: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app's repository."""
    files = SITES[framework].files | {".gitignore": "node_modules\n"}
    return make_repository(write_app(tmp_path_factory.mktemp(framework) / "app", files))


@pytest.fixture(scope="module")
def site(framework: str, app: Path, sites: SiteFactory) -> ProjectUnderTest:
    """A project that serves the app."""
    return sites.serve_folder(app, APP_DIST=SITES[framework].dist, PROD_GATE_BROWSER="auto")


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    """A page of a new browser."""
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        yield browser.new_page()


def is_fault(message: ConsoleMessage) -> bool:
    """Return True for an error of a page. A browser asks for an icon that these sites do not have."""
    is_of_machine = NETWORK_CHANGED in message.text  # another container came or went, and the page is opened again
    return message.type == "error" and not is_of_machine and not message.location["url"].endswith("/favicon.ico")


def test_each_page_has_its_address(framework: str, site: ProjectUnderTest) -> None:
    """A page is served at its path, and a path that no page has gets what the framework's own server gives."""
    assert "Harbour" in site.get("/").text or "Home" in site.get("/").text
    if SITES[framework].about_path and SITES[framework].missing_status == 404:
        about = site.get(SITES[framework].about_path)
        assert (about.status_code, "About</h1>" in about.text or "About " in about.text) == (200, True)
    assert site.get("/no-such-page").status_code == SITES[framework].missing_status
    assert site.get("/no-such-script.js").status_code == 404


@pytest.mark.long  # test_releases.py has every way of naming files
def test_open_page_goes_on_when_the_release_changes(
    framework: str, site: ProjectUnderTest, app: Path, page: Page
) -> None:
    """The policy blocks nothing, the button works, and a page of the release before still finds what it loads."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
    open_page(page, site.container().url)
    page.get_by_role("button", name="0").click()
    page.get_by_role("button", name="1").wait_for()
    for name, text in SITES[framework].files.items():
        (app / name).write_text(text.replace("About", "About us"))
    site.succeeds("run-prod")
    if SITES[framework].about_path:
        page.get_by_role("link", name="About").click()
        page.get_by_role("heading", name="About").wait_for()
    assert not faults


def test_verify_has_no_false_alarm(site: ProjectUnderTest) -> None:
    """Every critical check passes, and no check about files, policy and paths fails."""
    site.succeeds("verify", "--group=http", "--group=image", "--group=container")
