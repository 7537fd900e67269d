from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.verify.catalog import CHECKS
from docktasks.waiting import Probe, wait_until
from tests.engine.apps import make_repository, write_app
from tests.engine.support import Project

CANARY = "canary-5f2c-never-shipped"
FILES = {
    "package.json": json.dumps({
        "name": "harbour", "version": "0.3.0", "private": True, "type": "module",
        # Another's files, as an archive may bring, that the image must not have.
        "scripts": {"dev": "vite", "build": "vite build && chown 4711:4712 dist/index.html"},
        "devDependencies": {"vite": "^8.0.16"},
    }),
    "index.html": """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>Harbour</title></head>
  <body><div id="app"></div><script type="module" src="/src/main.js"></script></body>
</html>
""",
    "src/main.js": """import './style.css'
document.querySelector('#app').textContent = 'tide: ' + import.meta.env.VITE_SEA + (import.meta.env.VITE_TOKEN ?? '')
""",
    "src/style.css": "#app { font: 1rem system-ui; color: rgb(16 42 67); padding: 2rem; max-width: 60ch }\n",
    ".env": f"SECRET_TOKEN={CANARY}\nVITE_SEA=north\n",
    ".env.local": f"VITE_TOKEN={CANARY}\n",
    ".env.production.local": f"VITE_TOKEN={CANARY}\n",
    "node_modules/stale/index.js": f"// {CANARY}\n",
    ".dockerignore": "src\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vanilla app as somebody else wrote it: no lock file, no script `serve`, its secrets and modules lying about.

    It is in a checkout of its own.
    """
    return make_repository(write_app(tmp_path_factory.mktemp("foreign") / "harbour", FILES))


@pytest.fixture(scope="module")
def running(engine: DockerEngine, checkout: Path, harbour: Path) -> Iterator[Project]:
    """The app built and in production."""
    project = Project(engine, checkout, APP_DIR=str(harbour))
    try:
        project.build = project.does("run-prod")
        yield project
    finally:
        project.end()


def contents(folder: Path) -> dict[str, str]:
    """Every file of the app."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_is_built_and_served_as_it_is(running: Project, harbour: Path) -> None:
    """run-prod serves it, with a notice that there is no lock file; not a file of it changes."""
    assert "has no lock file: `npm install` takes the newest versions" in running.build
    assert "<title>Harbour</title>" in running.page().text
    assert contents(harbour) == FILES


@pytest.mark.usefixtures("chromium")
def test_passes_verify(running: Project, harbour: Path) -> None:
    """verify finds nothing to say of it, by any check: built, running, served, in development, and seen."""
    running.does("dev", "--detach")
    try:
        output = running.does("verify", "--strict")
    finally:
        running.does("stop", "--role=dev")
    assert f"{len(CHECKS)} passed, 0 failed, 0 skipped" in output
    assert contents(harbour) == FILES


def test_labels_are_its_own(running: Project) -> None:
    """Title and version are those of the app."""
    image = running.engine.image(running.image)
    assert image is not None
    assert image.labels["org.opencontainers.image.version"] == "0.3.0"
    assert image.labels["org.opencontainers.image.title"] == running.name


def test_secrets_stay_out(running: Project) -> None:
    """What is in .env.local, in node_modules, and in .env without VITE_ is in no layer; VITE_SEA of .env is."""
    assert CANARY.encode() not in b"".join(running.engine.save(running.image))
    script = re.search(r'src="([^"]+\.js)"', running.page().text)
    assert script is not None
    assert "north" in running.page(script.group(1)).text


def test_dev_serves_it(running: Project, harbour: Path) -> None:
    """dev takes the script `dev`, and serves edits."""
    running.does("dev", "--detach")
    source = harbour / "src/main.js"
    before = source.read_text()
    try:
        assert "tide: " in running.page("/src/main.js", "dev").text
        source.write_text(before.replace("tide: ", "ebb: "))
        looked = wait_until(lambda: Probe("ebb: " in running.page("/src/main.js", "dev").text), limit=10)
        assert looked.ready
    finally:
        source.write_text(before)
        running.does("stop", "--role=dev")
    assert contents(harbour) == FILES
