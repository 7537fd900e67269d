"""What the gate refuses and what it lets through, with a real Chromium: the first release as well as every other."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.engine.sites.conftest import SiteFactory
from tests.support.long_forms import long
from tests.support.project import RUN_STAGED, ProjectFactory, ProjectUnderTest

FILES = {
    "package.json": json.dumps({
        "name": "tides", "private": True, "type": "module",
        "scripts": {"build": "vite build"}, "devDependencies": {"vite": "8.3.8"},
    }),
    "vite.config.js": "export default { build: { rollupOptions: { input: ['index.html', 'about.html'] } } }\n",
    "index.html": """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>Tides</title><link rel="icon" href="/favicon-missing.ico" /></head>
  <body><div id="app"></div>
    <script type="module" src="/src/main.js"></script><script type="module" src="/run.js"></script>
  </body>
</html>
""",
    "about.html": """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>About</title></head>
  <body><h1>About</h1><script type="module" src="/src/about.js"></script></body>
</html>
""",
    "src/main.js": "document.documentElement.dataset.tide = 'low'\n",
    "src/about.js": "document.title += ' the harbour'\n",
    "public/run.js": "app.innerHTML = '<h1>Tides</h1>'\n",
}  # fmt: skip

LIVING = {
    "text": "app.textContent = 'high tide'",
    "open shadow root": "app.attachShadow({ mode: 'open' }).innerHTML = '<p>high tide</p>'",
    "closed shadow root": "app.attachShadow({ mode: 'closed' }).innerHTML = '<p>high tide</p>'",
    "game": "const c = app.appendChild(document.createElement('canvas')); c.getContext('webgl2').clear(16384)",
    "frame": "app.innerHTML = '<iframe></iframe>'",
    "input": "app.innerHTML = '<input>'",
    "API out of reach": "fetch('https://api.invalid/tides').then((r) => r.json()).then((t) => (app.textContent = t))",
    "API that is not here": "fetch('/api/tides').then((r) => r.json()).then((t) => (app.textContent = t.map(String)))",
    "login elsewhere": "location.href = 'https://login.invalid/'",
    "optional plugin": "app.textContent = 'high tide'; import('/plugins/gone.js').catch(() => 0)",
    "video": "app.innerHTML = '<p>high tide</p><video src=\"/a.mp4\">'; document.querySelector('video').play()",
}
"""Scripts of pages that are right, by what is special about them."""

IN_SHORT = ("closed shadow root", "API that is not here")

BROKEN = {
    "blank": ("0", "/: the page stays blank"),
    "throws": ("app.textContent = 'low tide'; null.tide", "/: uncaught TypeError: Cannot read properties of null"),
    "rejects": ("app.textContent = 'low tide'; Promise.reject(new Error('no tide'))", "/: uncaught Error: no tide"),
    "needs eval": ("app.textContent = new Function('return 7')()", """prod.csp_sources: "script-src 'unsafe-eval'\""""),
    "throws before its API fails": ("fetch('/api/tides').catch(() => 0); null.tide", "/: uncaught TypeError"),
    "lazy module is missing": ("import('/gone.js')", "Failed to fetch dynamically imported module"),
}
"""Scripts of broken pages with the end of the error, by their fault."""

pytestmark = pytest.mark.usefixtures("chromium")


def page_script(script: str) -> str:
    """Return Dockerfile instructions that replace what the page runs."""
    clean = "rm -rf /srv/br/run.js /srv/site/run.js.gz"
    return f"USER root\nRUN printf %s {shlex.quote(script)} >/srv/site/run.js; {clean}\nUSER 101:101"


@pytest.fixture(scope="module")
def tides(sites: SiteFactory) -> ProjectUnderTest:
    """A project that serves an app of two pages. Each test leaves a release serving."""
    project = sites.serve(FILES, PROD_GATE_BROWSER="auto")
    project.stage(project.image, tag=f"{project.name}:origin")
    return project


def test_first_release_is_opened_in_chromium(tides: ProjectUnderTest) -> None:
    """The entry page counts. Its favicon is missing, which no visitor misses."""
    assert "gate passed: 7 critical checks, 1 page in Chromium" in tides.build


@pytest.mark.parametrize("name", [*IN_SHORT, *(long(name) for name in LIVING if name not in IN_SHORT)])
def test_page_that_is_right_passes(tides: ProjectUnderTest, name: str) -> None:
    """A page may show no text, and what it asks for may be out of reach at the gate."""
    tides.stage(f"{tides.name}:origin", page_script(LIVING[name]))
    assert "in Chromium" in tides.succeeds(*RUN_STAGED)
    tides.assert_one_release_serves()


@pytest.mark.parametrize("name", ["blank", "throws", *map(long, list(BROKEN)[2:])])
def test_broken_page_is_refused_and_what_served_goes_on(tides: ProjectUnderTest, name: str) -> None:
    """The error names the page and the fault, and the way past the gate."""
    script, fault = BROKEN[name]
    before = tides.container()
    tides.stage(f"{tides.name}:origin", page_script(script))
    output = tides.fails(*RUN_STAGED)
    assert "does not pass the gate: in Chromium, /: " in output
    assert fault in output
    assert f"{tides.name}-prod keeps serving." in output
    assert "--no-gate" in output
    assert tides.container().id == before.id
    tides.assert_one_release_serves()


def test_broken_first_release_is_refused_and_leaves_nothing(
    tides: ProjectUnderTest, new_project: ProjectFactory
) -> None:
    """Nothing is served, no container and no volume is left. --no-gate lets the same release through, and says so."""
    project = new_project(PROD_GATE_BROWSER="auto")
    project.stage(f"{tides.name}:origin", page_script(BROKEN["throws"][0]))
    output = project.fails(*RUN_STAGED)
    assert "uncaught TypeError" in output
    assert "Nothing was replaced, because nothing served before." in output
    assert (project.container_names(), project.engine.volumes(project.name)) == ([], [])
    output = project.succeeds(*RUN_STAGED, "--no-gate")
    assert "--no-gate: this release was not checked" in output
    assert "gate passed" not in output
    project.assert_one_release_serves()


def test_linked_page_is_judged_too(tides: ProjectUnderTest) -> None:
    """A page to which the entry page links lacks its script. A link that leads nowhere is no reason."""
    links = "app.innerHTML = '<a href=/about.html>About</a> <a href=/nowhere.html>Gone</a>'"
    tides.stage(f"{tides.name}:origin", page_script(links))
    assert "3 pages in Chromium" in tides.succeeds(*RUN_STAGED)
    script = "for file in /srv/hashed/site/assets/about-*.js; do printf null.tide >$file; done"
    clean = "rm -rf /srv/hashed/br /srv/hashed/site/assets/*.gz"
    broken = f"USER root\nRUN {script}; {clean}\nUSER 101:101\n"
    tides.stage(f"{tides.name}:origin", broken + page_script(links))
    output = tides.fails(*RUN_STAGED)
    assert "does not pass the gate: in Chromium, /about.html: uncaught TypeError" in output


def test_browser_that_does_not_start_stops_no_release(tides: ProjectUnderTest) -> None:
    """A notice says that nobody looked at the page. With prod.gate_browser=never there is none."""
    tides.stage(f"{tides.name}:origin", page_script("app.textContent = 'ebb'"))
    output = tides.succeeds(*RUN_STAGED, INVOKE_BROWSER_EXECUTABLE="/bin/false")
    assert "! The gate has not judged the page in a browser: " in output
    assert "gate passed: 7 critical checks\n" in output
    tides.stage(f"{tides.name}:origin", page_script(BROKEN["throws"][0]))
    output = tides.succeeds(*RUN_STAGED, INVOKE_PROD_GATE_BROWSER="never")
    assert "Chromium" not in output
    assert "not judged" not in output
