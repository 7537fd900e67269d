"""An app that needs isolated pages, which its dev server gives it, in a real browser."""

from __future__ import annotations

import json

from benchmarks.checkout import VITE_VERSION
from docktasks.verify.probes.chromium import launch_browser, new_page, open_page
from tests.engine.sites.conftest import SiteFactory
from tests.support.project import new_name

FILES = {
    "package.json": json.dumps({
        "name": "reef", "private": True, "type": "module", "scripts": {"build": "vite build"},
        "devDependencies": {"vite": f"^{VITE_VERSION}"},
    }),
    "vite.config.js": """
const headers = { 'Cross-Origin-Embedder-Policy': 'require-corp', 'Cross-Origin-Opener-Policy': 'same-origin' }
export default { server: { headers }, preview: { headers } }
""",
    "index.html": "<!doctype html><html lang=en><meta charset=utf-8><title>Reef</title><h1>Reef</h1>"
    '<script type="module" src="/main.js"></script></html>',
    "main.js": """
const worker = new Worker(new URL('./sum.js', import.meta.url), { type: 'module' })
const numbers = new Int32Array(new SharedArrayBuffer(8))
worker.onmessage = () => { globalThis.sum = Atomics.load(numbers, 1) }
Atomics.store(numbers, 0, 20)
worker.postMessage(numbers)
""",
    "sum.js": "onmessage = ({ data }) => { Atomics.store(data, 1, Atomics.load(data, 0) + 22); postMessage('') }\n",
}  # fmt: skip


def test_page_and_worker_share_memory_as_under_the_dev_server(sites: SiteFactory, chromium: str) -> None:
    """The headers come from the app's Vite configuration, and nothing that verify judges is wrong with them."""
    reef = sites.serve(FILES | {"public/build.txt": new_name()})  # a build from the cache says nothing
    assert "sends Cross-Origin-Embedder-Policy: require-corp and" in reef.build
    with launch_browser(chromium, 120) as browser, new_page(browser) as page:
        open_page(page, f"{reef.container().url}/")
        page.wait_for_function("() => globalThis.sum === 42")
    reef.succeeds("verify", "--group=http", "--group=browser")
