"""Releases under open pages, for each way in which bundlers name files, and what browsers may keep of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from docktasks.verify.probes.chromium import launch_browser, open_page, reload_page
from tests.engine.sites.conftest import SiteFactory
from tests.support.checkouts import make_repository, write_app
from tests.support.project import ProjectUnderTest

PATTERNS = {
    "dash": "assets/[name]-[hash]",
    "dot": "assets/[name].[hash]",
    "alone": "_app/[hash]",
    "underscore": "static/[name]_[hash:12]",
    "hex": "_nuxt/[name].[hash:10]",
    "plain": "[name]",
}
"""Folder of the site -> how its build names scripts."""
BUILD = f"""
import {{ build }} from 'vite'
const patterns = {json.dumps(PATTERNS)}
const base = (name) => (name === 'dash' ? '/' : `/${{name}}/`)
for (const [name, pattern] of Object.entries(patterns)) {{
  await build({{
    base: base(name),
    publicDir: name === 'dash' && 'static',
    build: {{
      outDir: `dist${{base(name)}}`,
      rollupOptions: {{
        output: {{
          entryFileNames: `${{pattern}}.js`,
          chunkFileNames: `${{pattern}}.js`,
          ...(name === 'hex' && {{ hashCharacters: 'hex' }}),
        }},
      }},
    }},
  }})
}}
"""
MAIN = """
document.querySelector('button').onclick = async () => {
  const { text } = await import('./MODULE.js')
  document.querySelector('output').textContent = text
}
import('./other.js').then(({ name }) => (document.title = name))
"""
FILES = {
    "package.json": json.dumps({
        "name": "harbour", "private": True, "type": "module",
        "scripts": {"build": "node build.mjs"}, "devDependencies": {"vite": "8.3.8"},
    }),
    "build.mjs": BUILD,
    "index.html": """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>Harbour</title></head>
  <body><button>More</button><output>none</output><script type="module" src="/src/main.js"></script></body>
</html>
""",
    "src/main.js": MAIN.replace("MODULE", "tides"),
    "src/tides.js": "export const text = 'tides of the first release'\n",
    "src/other.js": "export const name = 'Harbour, first'\n",
    "static/splash-640x1136.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>\n",
    "static/changes-20261128.json": "{}\n",
    "static/photo-D26ty3Ew.txt": "no hash of a bundler\n",
    "static/leaflet.txt": "gone in the second release\n",
    "static/100% of #1, why? 港.txt": "a name that an address encodes\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app's folder."""
    return make_repository(write_app(tmp_path_factory.mktemp("harbour") / "app", FILES))


@pytest.fixture(scope="module")
def harbour(sites: SiteFactory, app: Path) -> ProjectUnderTest:
    """A project that serves the first release of the app."""
    return sites.serve_folder(app)


def folder(pattern: str) -> str:
    """Return the path of the page whose scripts have names of this pattern."""
    return "/" if pattern == "dash" else f"/{pattern}/"


def scripts(url: str, pattern: str) -> list[str]:
    """Return the addresses of the scripts that a page loads, and of those that these may load."""
    page = httpx.get(url + folder(pattern), trust_env=False)
    (entry,) = re.findall(r'<script[^>]* src="([^"]+)"', page.text)
    names = re.findall(r"import\([`\"']\./([^`\"']+)", httpx.get(url + entry, trust_env=False).text)
    return [url + entry, *(f"{url}{entry.rpartition('/')[0]}/{name}" for name in names)]


def policies(addresses: list[str]) -> set[str]:
    """Return the values of Cache-Control of these files, each of which must be there."""
    answers = [httpx.get(address, trust_env=False) for address in addresses]
    assert {answer.status_code for answer in answers} == {httpx.codes.OK}
    return {answer.headers["cache-control"] for answer in answers}


def test_only_files_that_the_bundler_named_by_content_are_kept_without_asking(harbour: ProjectUnderTest) -> None:
    """A file of a public folder is revalidated, whatever its name looks like."""
    url = harbour.container().url
    for pattern in PATTERNS:
        addresses = scripts(url, pattern)
        assert len(addresses) == 3
        expected = "no-cache" if pattern == "plain" else "max-age=31536000, immutable"
        assert policies(addresses) == {expected}, pattern
    names = ["splash-640x1136.svg", "changes-20261128.json", "photo-D26ty3Ew.txt", "leaflet.txt",
             "100%25%20of%20%231,%20why%3F%20%E6%B8%AF.txt", ""]  # fmt: skip
    assert policies([f"{url}/{name}" for name in names]) == {"no-cache"}


def test_open_page_finds_its_files_after_the_next_release(harbour: ProjectUnderTest, app: Path, chromium: str) -> None:
    """Whatever the files are called; a file of the public folder that the second release removed is gone."""
    url = harbour.container().url
    before = {pattern: scripts(url, pattern) for pattern in PATTERNS}
    with launch_browser(chromium, 300) as browser:
        pages = {pattern: browser.new_page() for pattern in PATTERNS}
        for pattern, page in pages.items():
            open_page(page, url + folder(pattern))
            expect(page).to_have_title("Harbour, first")
        (app / "src/tides.js").unlink()
        (app / "src/currents.js").write_text("export const text = 'currents of the second release'\n")
        (app / "src/main.js").write_text(MAIN.replace("MODULE", "currents"))
        (app / "static/leaflet.txt").unlink()
        output = harbour.succeeds("run-prod")
        for page in pages.values():
            page.get_by_role("button").click()
            expect(page.locator("output")).to_have_text("tides of the first release")
            reload_page(page)
            page.get_by_role("button").click()
            expect(page.locator("output")).to_have_text("currents of the second release")
    url = harbour.container().url
    for pattern in PATTERNS:
        assert policies(before[pattern][1:]) == {"no-cache" if pattern == "plain" else "max-age=31536000, immutable"}
    assert httpx.get(f"{url}/leaflet.txt", trust_env=False).status_code == httpx.codes.NOT_FOUND
    assert re.search(r"(\d+) of \1 files of earlier releases that were asked for are there", output)


def test_release_that_does_not_answer_for_earlier_ones_says_so(harbour: ProjectUnderTest) -> None:
    """The files are in the volume, but the server does not look there."""
    harbour.stage(
        harbour.image, "USER root\nRUN sed -i 's/@carried;/@unknown;/' /etc/nginx/serving/site.conf\nUSER 101:101"
    )
    output = harbour.succeeds("run-prod", "--no-build")
    assert "files of earlier releases are not there, so a page that is still open may fail: /" in output
