"""The policy of production in dev: report-only, and in the log what it would block, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.checkout import VITE_VERSION
from docktasks.verify.probes.chromium import launch_browser, new_page, open_page
from docktasks.waiting import Probe, wait_until
from tests.support.checkouts import write_app
from tests.support.project import ProjectFactory

FILES = {
    "package.json": json.dumps({
        "name": "keel", "private": True, "type": "module", "scripts": {"dev": "vite"},
        "devDependencies": {"vite": f"^{VITE_VERSION}"},
    }),
    "index.html": """<!doctype html><html lang=en><title>Keel</title><script>globalThis.inline = 1</script>
<style>h1 { color: navy }</style><h1 onclick="globalThis.clicked = 1">Keel</h1>
<script type="module" src="/src/main.js"></script></html>""",
    "src/main.css": "h1 { font-size: 2rem }\n",
    "src/main.js": """import './main.css'
const seven = new Function('return 7')
const style = document.head.appendChild(document.createElement('style'))
style.textContent = 'p { color: red }'
document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/a.png' }))
document.body.append(Object.assign(document.createElement('i'), { textContent: `${seven()}${globalThis.inline}` }))
""",
}  # fmt: skip

NEWS = {
    "eval or new Function (in /src/main.js)": "script-src 'unsafe-eval'",
    "styles that scripts write into the page (in /src/main.js)": "style-src 'unsafe-inline'",
    "pictures of http://127.0.0.1:9 (in /)": "img-src http://127.0.0.1:9",
}
"""What prod.csp: strict blocks of it, with the line to add. Of a picture Chromium names the page."""


def test_dev_says_what_production_would_block(new_project: ProjectFactory, tmp_path: Path, chromium: str) -> None:
    """Each kind is said once. The page works, its own inline code is let through, and Vite's client is no news."""
    app = write_app(tmp_path / "keel", FILES)
    project = new_project(APP_DIR=str(app), DEV_REPORT_POLICY="on", PROD_CSP="strict")
    output = project.succeeds("dev", "--detach")
    assert "The log says what prod.csp: strict would block of the pages that you open" in output

    def news() -> list[str]:
        return [line for line in project.engine.logs(f"{project.name}-dev", 100).splitlines() if "prod.csp" in line]

    with launch_browser(chromium, 120) as browser, new_page(browser) as page:
        for _ in range(2):
            open_page(page, project.container("dev").url)
            assert page.locator("i").text_content() == "71"
    probe = wait_until(lambda: Probe(len(news()) >= len(NEWS), "\n".join(news())), limit=10)
    assert probe.ready, probe.status
    how = "If the app needs it: prod.csp_sources:"
    assert sorted(news()) == sorted(f'! prod.csp: strict blocks {what}. {how} "{line}"' for what, line in NEWS.items())
    assert "Content-Security-Policy-Report-Only" not in project.get("/src/main.js", "dev").headers
