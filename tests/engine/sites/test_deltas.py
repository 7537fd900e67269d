"""Deltas: a visitor who returns after a release downloads what has changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, Response, expect

from docktasks.verify.probes.chromium import launch_browser, open_page
from tests.engine.sites.conftest import SiteFactory
from tests.support.checkouts import make_repository, write_app
from tests.support.project import ProjectUnderTest

WORDS = [hashlib.sha256(str(number).encode()).hexdigest()[:12] for number in range(1_500)]
SENTENCE = "The tide comes in at six."
FILES = {
    "package.json": json.dumps({
        "name": "tides", "private": True, "type": "module",
        "scripts": {"build": "vite build"}, "devDependencies": {"vite": "8.3.8"},
    }),
    "vite.config.js": "export default { base: '/port/' }\n",
    "index.html": """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>Tides</title></head>
  <body><main></main><script type="module" src="/src/main.js"></script></body>
</html>
""",
    "src/main.js": f"""import words from './words.json'
document.querySelector('main').textContent = `{SENTENCE} ${{words.length}} words, the last is ${{words.at(-1)}}`
""",
    "src/words.json": json.dumps(WORDS),
}  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app's folder."""
    return make_repository(write_app(tmp_path_factory.mktemp("tides") / "app", FILES))


@pytest.fixture(scope="module")
def tides(sites: SiteFactory, app: Path) -> ProjectUnderTest:
    """The app, in production."""
    return sites.serve_folder(app)


def script_of(page: Page, url: str, text: str) -> Response:
    """Open a page, and return the response for its script, when the page shows a text."""
    with page.expect_response(lambda response: ".js" in response.url and "/assets/" in response.url) as script:
        open_page(page, url)
    expect(page.locator("main")).to_contain_text(text, timeout=30_000)
    return script.value


def test_chromium_downloads_a_delta_after_a_release_and_others_the_file(
    tides: ProjectUnderTest, app: Path, chromium: str
) -> None:
    """One sentence changes. Chromium gets at most 5 % of what brotli takes, and runs the new script, below a base path.

    A browser that names no dictionary, or another one, gets the file as before.
    """
    url = f"{tides.container().url}/port/"
    (app / "src/main.js").write_text(FILES["src/main.js"].replace("six", "seven"))
    tides.succeeds("build-prod")
    with launch_browser(chromium, 600) as browser:
        context = browser.new_context()
        first = script_of(context.new_page(), url, SENTENCE)
        assert first.header_value("content-encoding") == "br"
        assert "made 1 delta of " in tides.succeeds("run-prod", "--no-build", "--no-gate")
        second = script_of(context.new_page(), url, SENTENCE.replace("six", "seven"))
        assert second.header_value("content-encoding") == "dcz"
        assert second.header_value("vary") == "Accept-Encoding, Available-Dictionary"
        address, delta_bytes = second.url, second.request.sizes()["responseBodySize"]
    others = {
        name: httpx.get(address, headers={"accept-encoding": "br, dcz", **headers}, trust_env=False)
        for name, headers in {"none": {}, "another": {"available-dictionary": f":{'A' * 43}=:"}}.items()
    }
    assert {response.headers["content-encoding"] for response in others.values()} == {"br"}
    assert {"seven" in response.text for response in others.values()} == {True}
    assert delta_bytes <= 0.05 * int(others["none"].headers["content-length"])
