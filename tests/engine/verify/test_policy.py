"""The Content-Security-Policy of the image in a real browser: what a page of the site may load."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from benchmarks.checkout import ROOT
from docktasks.verify.probes.chromium import launch_browser, new_page, open_page
from docktasks.verify.probes.page_events import PageEvents
from tests.support.long_forms import long

SCRIPT = """
import { policyConfiguration, directivesOf, readSettings } from 'NGINX/policy.mjs'
const settings = readSettings('strict', '')
console.log(policyConfiguration(settings, directivesOf(settings, {}), new Map(), new Set()))
""".replace("NGINX", (ROOT / "docktasks/images/nginx").as_uri())
PAGE = """<!doctype html><html lang=en><title>kinds</title>
<link rel=stylesheet href=/page.css><link rel=manifest href=/app.webmanifest><link rel=modulepreload href=/page.js>
<h1>kinds</h1><img src=/a.svg alt=a><img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>" alt=b>
<audio src=/a.mp3></audio><video src=/a.mp4></video><iframe src=/frame title=c></iframe>
<script type=module src=/page.js></script>"""
PAGE_SCRIPT = (
    "import './part.js'; fetch('/data.json'); new EventSource('/events'); new Worker('/worker.js'); "
    "navigator.serviceWorker.register('/worker.js').catch(() => {})"
)
FILES = {
    "/": ("text/html", PAGE),
    "/frame": ("text/html", "<!doctype html><title>frame</title>"),
    "/page.css": ("text/css", "@font-face { font-family: a; src: url(/a.woff2) } h1 { font-family: a }"),
    "/page.js": ("text/javascript", PAGE_SCRIPT),
    "/part.js": ("text/javascript", "export {}"),
    "/worker.js": ("text/javascript", "fetch('/data.json')"),
    "/app.webmanifest": ("application/manifest+json", '{"name": "kinds"}'),
    "/a.svg": ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "/data.json": ("application/json", "{}"),
}  # fmt: skip
"""A page that loads every kind of file from its own site. A file that is missing is requested, too."""


def policy() -> str:
    """Return the strict policy that nginx sends, without what a page or HELLO_DOCK_CONNECT adds."""
    command = ["node", "--input-type=module", "--eval", SCRIPT]
    configuration = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    match = re.search(r'default "(default-src [^"]*)"', configuration)
    assert match is not None
    return re.sub(r"\$\w+", "", match[1])


@pytest.fixture
def violations(request: pytest.FixtureRequest, chromium: str) -> Iterator[list[str]]:
    """What a browser reports about the page under the policy without the directive that is the parameter."""
    header = "; ".join(part for part in policy().split("; ") if part.split()[0] != request.param)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            media_type, body = FILES.get(self.path, ("text/plain", ""))
            self.send_response(200 if self.path in FILES else 404)
            self.send_header("Content-Type", media_type)
            # The frame may be framed here, so that only frame-src decides.
            self.send_header("Content-Security-Policy", header if self.path != "/frame" else "default-src 'none'")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        with launch_browser(chromium, 90) as browser, new_page(browser) as page:
            events = PageEvents(page)
            address = f"http://127.0.0.1:{server.server_address[1]}/"
            yield events.snapshot("/", lambda: open_page(page, address)).texts("policy")
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("violations", [""], indirect=True, ids=["whole"])
def test_policy_allows_every_kind_of_file_of_the_site(violations: list[str]) -> None:
    """default-src 'none' blocks nothing that a page of the site loads, because every kind is named."""
    assert policy().startswith("default-src 'none'; ")
    assert violations == []


NAMED = ("script-src", "style-src", "img-src", "font-src", "connect-src", "media-src", "worker-src", "frame-src")


@pytest.mark.parametrize(
    ("violations", "directive"),
    [(name, name) if name in {"script-src", "worker-src"} else long(name, name) for name in NAMED],
    indirect=["violations"],
    ids=NAMED,
)
def test_policy_without_a_directive_blocks_its_files(violations: list[str], directive: str) -> None:
    """The page loads each kind, so the test of the whole policy shows that each is allowed."""
    # A worker falls back to script-src, which is named.
    expected = () if directive == "worker-src" else (directive,)
    assert {line.partition(" ")[0].removesuffix("-elem") for line in violations} == set(expected), violations
