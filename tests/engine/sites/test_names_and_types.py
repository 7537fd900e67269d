"""Sites whose scripts name files that do not exist, and whose files have types that few servers agree on."""

from __future__ import annotations

import json

import pytest

from tests.engine.sites.conftest import SiteFactory
from tests.support.project import ProjectUnderTest

MAIN = """
const sample = `import { tide } from './tide-tables.js'
import './tide.css'`
const pages = import.meta.glob('./pages/*.js')
const root = document.querySelector('#app').attachShadow({ mode: 'open' })
root.innerHTML = `<pre></pre><button>More</button>`
root.querySelector('pre').textContent = sample
root.querySelector('button').onclick = () => pages['./pages/harbour.js']().then(({ name }) => root.append(name))
export const portrait = (api, person) => api + (person.portrait || '/people/nobody.png')
export const worker = (source = './reader.worker.mjs') => source
export const plugin = () => import(/* @vite-ignore */ '/plugins/optional.js').catch(() => null)
document.title = Object.keys(pages).join()
"""
FILES = {
    "package.json": json.dumps({
        "name": "reader", "private": True, "type": "module",
        "scripts": {"build": "vite build"}, "devDependencies": {"vite": "8.3.8"},
    }),
    "vite.config.js": "export default { build: { manifest: true } }\n",
    "index.html": """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>Reader</title></head>
  <body><div id="app"></div><script type="module" src="/src/main.js"></script></body>
</html>
""",
    "src/main.js": MAIN,
    "src/pages/harbour.js": "export const name = 'harbour'\n",
    **{f"public/files/tide.{name}": f"{name}\n" * 9 for name in (
        "wav", "flac", "mid", "m4v", "mov", "ics", "yaml", "epub", "gpx", "kml", "stl", "obj", "hdr", "cjs", "xml",
        "jfif", "toml", "pem", "bin", "md", "geojson", "wgsl", "csv", "webmanifest",
    )},
}  # fmt: skip


@pytest.fixture(scope="module")
def reader(sites: SiteFactory) -> ProjectUnderTest:
    """A project that serves the app."""
    return sites.serve(FILES, PROD_GATE_BROWSER="auto")


def test_gate_passes_a_second_release_that_names_files_in_strings(reader: ProjectUnderTest) -> None:
    """A code sample, a key of import.meta.glob, a default and an optional plugin are no promises of the site."""
    output = reader.succeeds("run-prod", "--no-build", "--env", "API_URL=/api")
    assert "gate passed" in output


@pytest.mark.usefixtures("chromium")
def test_verify_has_no_false_alarm_for_unusual_types_and_shadow_roots(reader: ProjectUnderTest) -> None:
    """Every file of public/ has the type that the check expects, and an app in a shadow root is not empty."""
    reader.succeeds("verify", "--only=http.files", "--only=http.charset", "--only=browser.renders")


def test_gate_refuses_a_release_without_an_imported_file(reader: ProjectUnderTest) -> None:
    """The page surely loads what an import statement names."""
    build, container = reader.image, reader.container()
    script = "sed -i '1s|^|import \"./missing-Bx12ab_9.js\";|' /srv/hashed/site/assets/index-*.js"
    reader.stage(build, f"USER root\nRUN {script} && rm -rf /srv/hashed/br /srv/hashed/site/assets/*.gz\nUSER 101:101")
    output = reader.fails("run-prod", "--no-build")
    assert "does not pass the gate: http.files" in output
    assert "/assets/missing-Bx12ab_9.js: 404" in output
    assert reader.container().id == container.id
