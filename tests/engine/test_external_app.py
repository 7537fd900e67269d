from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.checkout import VITE_VERSION
from docktasks.engine.client import DockerEngine
from docktasks.verify.catalog import CHECKS
from docktasks.waiting import Probe, wait_until
from tests.support.checkouts import make_repository, write_app
from tests.support.project import ProjectUnderTest

CANARY = "canary-5f2c-never-shipped"
FILES = {
    "package.json": json.dumps({
        "name": "harbour", "version": "0.3.0", "private": True, "type": "module",
        # A file of another owner, as an archive may contain. The image must not have it.
        "scripts": {"dev": "vite", "build:site": "vite build && chown 4711:4712 dist/index.html"},
        "devDependencies": {"vite": f"^{VITE_VERSION}"},
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
    "public/fixtures/people.json": CANARY,
    ".dockerignore": "public/fixtures\n!node_modules\n!.env.local\n",
    "hello-dock.yaml": f"# {CANARY}\nprod:\n  memory: 48m\n  retain_releases: 2\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vanilla app in a checkout of its own: no lock file, no script `serve`, secrets, and old node_modules."""
    return make_repository(write_app(tmp_path_factory.mktemp("foreign") / "harbour", FILES))


@pytest.fixture(scope="module")
def external_project(engine: DockerEngine, checkout: Path, harbour: Path) -> Iterator[ProjectUnderTest]:
    """A project that runs the app in production."""
    project = ProjectUnderTest(engine, checkout, APP_DIR=str(harbour))
    try:
        project.build = project.succeeds("run-prod")
        yield project
    finally:
        project.end()


def file_contents(folder: Path) -> dict[str, str]:
    """Return the contents of the app's files by their paths."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_run_prod_serves_an_external_app_and_changes_no_file_of_it(
    external_project: ProjectUnderTest, harbour: Path
) -> None:
    """run-prod serves the app, says that it has no lock file and no script `build`, and changes none of its files."""
    assert "The site is built by `npm run build:site`" in external_project.build
    assert "has no lock file: `npm install` takes the newest versions" in external_project.build
    assert "<title>Harbour</title>" in external_project.get().text
    assert file_contents(harbour) == FILES


@pytest.mark.usefixtures("chromium")
@pytest.mark.long
def test_external_app_passes_every_check(external_project: ProjectUnderTest, harbour: Path) -> None:
    """`verify --strict` finds no fault in the app: in its image, its containers, its pages, its dev server."""
    external_project.succeeds("dev", "--detach")
    try:
        output = external_project.succeeds("verify", "--strict")
    finally:
        external_project.succeeds("stop", "--role=dev")
    assert f"{len(CHECKS)} passed, 0 failed, 0 skipped" in output
    assert file_contents(harbour) == FILES


def test_image_labels_name_the_external_app_and_its_version(external_project: ProjectUnderTest) -> None:
    """Title and version of the image are those of the app's package.json and project."""
    image = external_project.engine.image(external_project.image)
    assert image is not None
    assert image.labels["org.opencontainers.image.version"] == "0.3.0"
    assert image.labels["org.opencontainers.image.title"] == external_project.name


def test_settings_in_the_apps_folder_hold(external_project: ProjectUnderTest, harbour: Path) -> None:
    """The release has the memory that the app's own file names, unless the environment names another one."""
    assert external_project.inspect()["HostConfig"]["Memory"] == 48 * 1024**2
    output = external_project.succeeds("--dry", "run-prod", "--no-build", INVOKE_PROD_MEMORY="32m")
    assert "--memory 32m" in output.replace("=", " ")
    (harbour / "hello-dock.yaml").write_text("prod:\n  memory: much\n  retain: 2\n")
    try:
        error = external_project.fails("run-prod", "--no-build")
    finally:
        (harbour / "hello-dock.yaml").write_text(FILES["hello-dock.yaml"])
    assert "harbour/hello-dock.yaml: prod.retain is not a setting" in error
    assert "harbour/hello-dock.yaml: prod.memory is 'much', but must be a size" in error


def test_image_contains_no_secret_of_the_app(external_project: ProjectUnderTest) -> None:
    """The layers lack .env.local, node_modules, hello-dock.yaml, and the variables of .env without VITE_."""
    assert CANARY.encode() not in b"".join(external_project.engine.save(external_project.image))
    script = re.search(r'src="([^"]+\.js)"', external_project.get().text)
    assert script is not None
    assert "north" in external_project.get(script.group(1)).text


@pytest.mark.long  # test_matrix.py has such apps
def test_dev_serves_an_external_app_and_its_edits(external_project: ProjectUnderTest, harbour: Path) -> None:
    """`invoke dev` runs the script `dev` of an app without `serve`, and serves an edit."""
    external_project.succeeds("dev", "--detach")
    source = harbour / "src/main.js"
    before = source.read_text()
    try:
        assert "tide: " in external_project.get("/src/main.js", "dev").text
        source.write_text(before.replace("tide: ", "ebb: "))
        probe = wait_until(lambda: Probe("ebb: " in external_project.get("/src/main.js", "dev").text), limit=60)
        assert probe.ready
    finally:
        source.write_text(before)
        external_project.succeeds("stop", "--role=dev")
    assert file_contents(harbour) == FILES
