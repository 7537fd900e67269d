"""A site that uses many things which a policy may block, in a real browser under the policy of its image."""

from __future__ import annotations

import gzip
import json
import secrets
from collections.abc import Iterator
from typing import Any

import brotli
import httpx
import pytest
from playwright.sync_api import Browser, Route

from docktasks.verify.probes.chromium import launch_browser, new_page, open_page
from docktasks.verify.probes.page_events import PageEvents
from tests.engine.sites.conftest import SiteFactory
from tests.support.project import ProjectUnderTest

CSP = "content-security-policy"
BROWSER_TIMEOUT_S = 900
"""It stays open while tests build and release."""
THEME = 'document.documentElement.dataset.theme = "dark"'
INDEX = f"""<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" /><title>Harbour</title>
    <script>{THEME}</script>
    <style>p {{ color: rgb(1, 2, 3) }}</style>
  </head>
  <body>
    <img src="/logo.svg" alt="" onload="this.dataset.state = &quot;loaded&quot;" />
    <div id="app"></div><script type="module" src="/src/main.js"></script>
  </body>
</html>
"""
MAIN = """
import Doubler from './doubler.js?worker&inline'
const root = document.querySelector('#app')
const results = {}
const attempt = async (name, work) => {
  results[name] = await Promise.resolve().then(work).catch((error) => String(error))
}
const event = (target, name) => new Promise((resolve, reject) => {
  target.addEventListener(name, resolve)
  target.addEventListener('error', () => reject(new Error('refused')))
})
await attempt('theme', () => document.documentElement.dataset.theme)
await attempt('handler', async () => {
  const image = document.querySelector('img')
  // A picture is complete a moment before its handler runs.
  const limit = new Promise((resolve) => setTimeout(resolve, 2000))
  if (!image.dataset.state) await Promise.race([event(image, 'load'), limit])
  return image.dataset.state
})
await attempt('worker', async () => {
  const worker = new Doubler()
  const answer = event(worker, 'message')
  worker.postMessage(21)
  return (await answer).data
})
await attempt('picture', async () => {
  const image = new Image()
  image.src = 'https://pictures.example/tide.svg'
  await event(image, 'load')
  return image.width
})
await attempt('wasm', async () => {
  const { instance } = await WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
  return Object.keys(instance.exports).length
})
await attempt('font', () => new FontFace('tide', 'url(data:font/woff2;base64,AAAA)').load().catch(() => 'asked'))
await attempt('style', () => {
  document.head.append(Object.assign(document.createElement('style'), { textContent: 'i { color: rgb(3, 2, 1) }' }))
  root.innerHTML = '<i style="font-weight: 700">tide</i>'
  const { color, fontWeight } = getComputedStyle(root.querySelector('i'))
  return `${color} ${fontWeight}`
})
await attempt('probe', () => {
  try {
    return new Function('') && 'may make functions of text'
  } catch {
    return 'has another way'
  }
})
await attempt('data', async () => (await fetch('data:text/plain,tide')).text())
root.append(' all tried')
globalThis.results = results
"""
PLAIN = """<!doctype html><html lang=en><title>plain</title><link rel=stylesheet href=/plain.css>
<link rel=stylesheet href=//styles.invalid/plain.css>
<script type=importmap>{"imports": {"tides": "/tides.js"}}</script>
<script type=module>
import { tide } from 'tides'
document.body.append(tide)
</script>
<body onload=document.body.dataset.loaded=1><p style="color: red">plain</p>
<a href="javascript:document.body.dataset.clicked=%22yes%22;void 0">go</a>"""
FILES = {
    "package.json": json.dumps({
        "name": "harbour", "private": True, "type": "module",
        "scripts": {"build": "vite build"}, "devDependencies": {"vite": "8.3.8"},
    }),
    "index.html": INDEX,
    "src/main.js": MAIN,
    "src/doubler.js": "self.onmessage = ({ data }) => self.postMessage(data * 2)\n",
    "public/logo.svg": "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>\n",
    "public/plain.html": PLAIN,
    "public/plain.css": "p { margin: 0 }\n",
    "public/tides.js": "export const tide = 'ebb'\n",
}  # fmt: skip
EXPECTED = {
    "theme": "dark", "handler": "loaded", "worker": 42, "picture": 7, "wasm": 0, "font": "asked",
    "style": "rgb(3, 2, 1) 700", "data": "tide", "probe": "has another way",
}  # fmt: skip
PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='7' height='7'/>"
SIGN_IN = "<!doctype html><title>sign in</title><script>opener.postMessage('signed in', '*')</script>"
OPEN_POPUP = """() => new Promise((resolve) => {
  addEventListener('message', ({ data }) => resolve(data))
  const popup = open('http://signin.example/', 'signin', 'width=300,height=300')
  setTimeout(() => resolve(`no answer; closed: ${popup?.closed}`), 5000)
})"""


@pytest.fixture(scope="module")
def harbour(sites: SiteFactory) -> ProjectUnderTest:
    """A project that serves the app under the default policy."""
    run = {"public/run.txt": secrets.token_hex()}  # a build from the cache says nothing
    return sites.serve(FILES | run, PROD_GATE_BROWSER="auto")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A browser, one for all tests of the module."""
    with launch_browser(chromium, BROWSER_TIMEOUT_S) as browser:
        yield browser


def answer(route: Route) -> None:
    """Answer a request to another site with its picture."""
    route.fulfill(content_type="image/svg+xml", body=PICTURE)


def raw_body(url: str, encoding: str) -> bytes:
    """Return the page as it is sent to a client that accepts this encoding."""
    with httpx.stream("GET", url, headers={"accept-encoding": encoding}, trust_env=False) as response:
        return b"".join(response.iter_raw())


def visit(browser: Browser, url: str) -> tuple[dict[str, Any], set[str]]:
    """Open the first page, and return what its script reached, and the directives that blocked something."""
    with new_page(browser) as page:
        page.route("https://pictures.example/**", answer)
        events = PageEvents(page)
        policy = set(events.snapshot("/", lambda: open_page(page, f"{url}/")).texts("policy"))
        page.wait_for_function("() => globalThis.results !== undefined")
        results: dict[str, Any] = page.evaluate("results")
        return results, {line.partition(" ")[0] for line in {*policy, *events.texts("policy")}}


def test_default_policy_blocks_nothing_that_works_without_one(harbour: ProjectUnderTest, browser: Browser) -> None:
    """Inline scripts, handlers and styles, a worker held as text, WebAssembly, other origins: no violation."""
    assert visit(browser, harbour.container().url) == (EXPECTED, set())
    assert "blocks" not in harbour.build


def test_page_that_the_build_copied_has_a_policy_of_its_own(harbour: ProjectUnderTest, browser: Browser) -> None:
    """An import map, an inline module, a handler and a javascript: address run. Other pages' hashes are not there.

    A style of //host may load over http, too.
    """
    with new_page(browser) as page:
        events = PageEvents(page)
        snapshot = events.snapshot("/plain.html", lambda: open_page(page, f"{harbour.container().url}/plain.html"))
        page.click("a")
        # A function is evaluated once, when it is sent. The policy forbids to evaluate a text each time.
        page.wait_for_function("() => document.body.dataset.clicked === 'yes'")
        assert page.evaluate("document.body.dataset.loaded") == "1"
        assert "ebb" in page.inner_text("body")
        assert (snapshot.texts("policy"), events.texts("policy")) == ([], [])
    plain, first = (set(harbour.get(path).headers[CSP].split()) for path in ("/plain.html", "/"))
    assert {word for word in plain & first if word.startswith("'sha")} == set()
    assert {word for word in first if word.startswith("'sha")}
    assert not [word for word in harbour.get("/logo.svg").headers[CSP].split() if word.startswith("'sha")]
    assert harbour.get("/none.js").headers[CSP].startswith("default-src 'none'")


def test_sign_in_window_keeps_its_opener(harbour: ProjectUnderTest, browser: Browser) -> None:
    """A window of another origin, which sends no policy, can answer the page that opened it."""
    with new_page(browser) as page:
        page.context.route(
            "http://signin.example/**", lambda route: route.fulfill(content_type="text/html", body=SIGN_IN)
        )
        open_page(page, f"{harbour.container().url}/")
        assert page.evaluate(OPEN_POPUP) == "signed in"


def test_changed_byte_of_an_inline_script_is_blocked_and_found(harbour: ProjectUnderTest, browser: Browser) -> None:
    """The gate refuses the release. Behind --no-gate, the browser blocks the script, and verify finds it."""
    build, before = f"{harbour.name}:built", harbour.container()
    harbour.stage(harbour.image, tag=build)
    script = 'cd /srv/site && sed -i \'s|= "dark"|= "bark"|\' index.html && rm -f index.html.gz ../br/index.html'
    try:
        harbour.stage(build, f"USER root\nRUN {script}\nUSER 101:101")
        assert "inline <script> document.documentElement.dataset.theme" in harbour.fails("run-prod", "--no-build")
        assert harbour.container().id == before.id
        harbour.succeeds("run-prod", "--no-build", "--no-gate")
        results, violations = visit(browser, harbour.container().url)
        assert results == EXPECTED | {"theme": None}
        assert violations == {"script-src-elem"}
        output = harbour.fails("verify", "--only=http.csp-allows-page", "--only=browser.policy")
        assert "2 of 2 checks failed" in output
    finally:
        harbour.stage(build)
        harbour.succeeds("run-prod", "--no-build")
        harbour.engine.client.images.remove(build)


def test_strict_profile_blocks_what_the_build_said(harbour: ProjectUnderTest, browser: Browser) -> None:
    """It is another release. The page has integrity, also in its compressed copies. With the sources, all works."""
    before = harbour.container().id
    output = harbour.succeeds("run-prod", INVOKE_PROD_CSP="strict")
    assert harbour.container().id != before
    assert "worker-src blob:" in output
    assert "style-src 'unsafe-inline'" in output
    url = harbour.container().url
    page, zipped, brotlied = (raw_body(url, encoding) for encoding in ("identity", "gzip", "br"))
    assert gzip.decompress(zipped) == brotli.decompress(brotlied) == page
    assert b'<script integrity="sha384-' in page
    results, violations = visit(browser, url)
    assert violations == {"worker-src", "img-src", "style-src-elem", "style-src-attr", "connect-src"}
    assert {name for name, value in results.items() if value == EXPECTED[name]} == {
        "theme",
        "handler",
        "wasm",
        "font",
        "probe",
    }
    sources = "worker-src blob:; style-src 'unsafe-inline'; img-src https://pictures.example; connect-src data:"
    harbour.succeeds("run-prod", INVOKE_PROD_CSP="strict", INVOKE_PROD_CSP_SOURCES=sources)
    assert visit(browser, harbour.container().url) == (EXPECTED, set())


def test_policy_that_is_no_policy_is_refused_before_anything_is_built(harbour: ProjectUnderTest) -> None:
    """The message names the setting and the word. The release goes on serving."""
    output = harbour.fails("run-prod", INVOKE_PROD_CSP_SOURCES="scrip-src https://a.example")
    assert "prod.csp_sources" in output
    assert "scrip-src is no directive of the policy" in output
    harbour.assert_one_release_serves()
