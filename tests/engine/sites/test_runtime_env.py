"""Variables of an unchanged app that get their values when its container starts, in a real browser."""

from __future__ import annotations

import json
import re

import pytest

from benchmarks.checkout import VITE_VERSION
from docktasks.verify.chromium_path import find_chromium
from docktasks.verify.probes.chromium import launch_browser, new_page, open_page
from tests.engine.sites.conftest import SiteFactory
from tests.support.project import RUN_STAGED, ProjectUnderTest

NAMES = "VITE_API_URL VITE_TITLE VITE_NEVER"
MODULE = '<script type="module" src="/main.js"></script>'
FILES = {
    "package.json": json.dumps({
        "name": "quay", "private": True, "type": "module", "devDependencies": {"vite": f"^{VITE_VERSION}"},
        "scripts": {"build": "NODE_OPTIONS=--max-old-space-size=512 vite build && echo built"},
    }),
    "index.html": f"<!doctype html><html lang=en><meta charset=utf-8><title>Quay</title><h1>Quay</h1>{MODULE}</html>",
    "main.js": """
const { VITE_TITLE, MODE } = import.meta.env
globalThis.seen = [import.meta.env.VITE_API_URL ?? 'none', VITE_TITLE, MODE, import.meta.env.VITE_FIXED]
const more = await import('./more.js')
globalThis.seen.push(more.api)
""",
    "more.js": "export const api = import.meta.env.VITE_API_URL ?? 'none'\n",
    ".env": "VITE_TITLE=of the build\nVITE_FIXED=fixed\n",
    "vite.config.js": "export default { base: '/quay/' }\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def quay(sites: SiteFactory) -> ProjectUnderTest:
    """The app under the strict policy and a base path."""
    return sites.serve(FILES, PROD_RUNTIME_ENV=NAMES, PROD_CSP="strict")


def seen(project: ProjectUnderTest) -> list[str]:
    """Open the page, and return the values that its modules have read."""
    with launch_browser(find_chromium(), 120) as browser, new_page(browser) as page:
        open_page(page, f"{project.container().url}/quay/")
        page.wait_for_function("globalThis.seen?.length === 5")
        values: list[str] = page.evaluate("globalThis.seen")
        return values


def bundle(project: ProjectUnderTest) -> str:
    """Return the script of the page, as it is served."""
    match = re.search(r'src="(/quay/assets/[^"]+[.]js)"', project.get("/quay/").text)
    assert match
    return project.get(match[1]).text


def test_one_image_has_other_values_in_each_container(quay: ProjectUnderTest) -> None:
    """Without a value a name has that of the build, or is undefined. The files of the site are the same."""
    assert "Without a value, as they were at the build, or undefined: VITE_API_URL, VITE_TITLE" in quay.build
    assert "No file of the source uses what prod.runtime_env names: VITE_NEVER" in quay.build
    assert '<script src="/quay/env.js"></script>' in quay.get("/quay/").text
    assert seen(quay) == ["none", "of the build", "production", "fixed", "none"]
    script, image = bundle(quay), quay.container().image_id
    assert "globalThis.env" in script
    for api in ("https://one.example", "https://two.example"):
        quay.succeeds(*RUN_STAGED, "--env", f"VITE_API_URL={api}", "--env", "VITE_TITLE=of the run")
        assert seen(quay) == [api, "of the run", "production", "fixed", api]
        assert (bundle(quay), quay.container().image_id) == (script, image)
    quay.succeeds(
        "verify",
    )
    assert "--env VITE_OTHER begins with none of the allowed prefixes" in quay.fails(
        "run-prod", "--env", "VITE_OTHER=1"
    )
