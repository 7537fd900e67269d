"""Variables of an unchanged app that get their values when its container starts, in a real browser."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from benchmarks.checkout import VITE_VERSION
from docktasks.verify.chromium_path import find_chromium
from docktasks.verify.probes.chromium import launch_browser, new_page, open_page
from docktasks.waiting import Probe, wait_until
from tests.engine.sites.conftest import SiteFactory
from tests.support.commands import docker
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


def read_page(browser: Browser, url: str) -> list[str]:
    """Open the page of a container, and return the values that its modules have read."""
    with new_page(browser) as page:
        open_page(page, f"{url}/quay/")
        page.wait_for_function("() => globalThis.seen?.length === 5")
        values: list[str] = page.evaluate("globalThis.seen")
        return values


def seen(project: ProjectUnderTest) -> list[str]:
    """Return the values that the modules of the project's page have read."""
    with launch_browser(find_chromium(), 120) as browser:
        return read_page(browser, project.container().url)


def bundle(url: str) -> bytes:
    """Return the script of the page, as it is served."""
    match = re.search(r'src="(/quay/assets/[^"]+[.]js)"', httpx.get(f"{url}/quay/").text)
    assert match
    return httpx.get(f"{url}{match[1]}").content


def test_one_image_has_other_values_in_each_container(quay: ProjectUnderTest) -> None:
    """Without a value a name has that of the build, or is undefined. The files of the site are the same."""
    assert "configuration has no value for VITE_API_URL, VITE_TITLE" in quay.build
    assert '<script src="/quay/env.js"></script>' in quay.get("/quay/").text
    assert seen(quay) == ["none", "of the build", "production", "fixed", "none"]
    script, image = bundle(quay.container().url), quay.container().image_id
    assert b"globalThis.env" in script
    api = "https://one.example"
    quay.succeeds(*RUN_STAGED, "--env", f"VITE_API_URL={api}", "--env", "VITE_TITLE=of the run")
    assert seen(quay) == [api, "of the run", "production", "fixed", api]
    assert (bundle(quay.container().url), quay.container().image_id) == (script, image)
    quay.succeeds("verify")
    assert "--env VITE_OTHER begins with none of the allowed prefixes" in quay.fails(
        "run-prod", "--env", "VITE_OTHER=1"
    )


@contextlib.contextmanager
def running(quay: ProjectUnderTest, api: str) -> Iterator[str]:
    """Run a container of the project's image by Docker alone, with a value, and give its address."""
    values = json.dumps({"VITE_API_URL": api, "VITE_TITLE": "of the run"})
    publish = ["--publish", "127.0.0.1::80", "--env", f"HELLO_DOCK_ENV={values}"]
    name = docker("container", "run", "--detach", *publish, quay.container().image_id).strip()
    try:
        port = docker("container", "port", name, "80").strip().rpartition(":")[2]
        url = f"http://127.0.0.1:{port}"
        assert wait_until(lambda: Probe(_answers(url)), limit=30).ready
        yield url
    finally:
        docker("container", "rm", "--force", name)


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url).is_success
    return False


@pytest.mark.long  # the test before has two values in turn
def test_two_containers_of_one_image_have_two_values_at_once(quay: ProjectUnderTest) -> None:
    """A browser that has both pages open reads a value of each. Byte by byte they have one bundle."""
    apis = ["https://one.example", "https://two.example"]
    with running(quay, apis[0]) as first, running(quay, apis[1]) as second:
        with launch_browser(find_chromium(), 120) as browser, new_page(browser) as page:
            open_page(page, f"{first}/quay/")
            assert read_page(browser, second) == [apis[1], "of the run", "production", "fixed", apis[1]]
            assert page.evaluate("globalThis.seen") == [apis[0], "of the run", "production", "fixed", apis[0]]
        assert bundle(first) == bundle(second) == bundle(quay.container().url)
