"""Any Vite app: the templates of create-vite as they come, and what an app may choose for itself.

The few that CI runs stand for the rest; MATRIX=all runs every one.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from docktasks.waiting import Probe, wait_until
from tests.conftest import NewProject
from tests.engine.apps import CREATE_VITE
from tests.engine.support import Project, clean_environ, command

FOR_QWIK = "create-vite@8.3.0"
"""The last whose qwik templates npm can install: from 9 on they have a Vite that qwik refuses."""
FRAMEWORKS = ("vanilla", "vue", "react", "preact", "lit", "svelte", "solid", "qwik")
MARK = "harbour-5f2c"


@dataclass(frozen=True)
class Case:
    """A template, what is done to it before, and the base path that it then has."""

    template: str
    prepare: Callable[[Path], None] = lambda _app: None
    base: str = "/"
    manager: str = "npm"


def npx(app: Path, *args: str) -> None:
    """Run a package's command in the app's folder."""
    registry = command(["npm", "config", "get", "registry"], app, clean_environ()).output.strip()
    environ = clean_environ() | {"YARN_NPM_REGISTRY_SERVER": registry, "NPM_CONFIG_REGISTRY": registry}
    done = command(["npx", "--yes", *args], app, environ)
    assert done.code == 0, done.output


def named(app: Path, manager: str) -> None:
    """Have package.json name a package manager."""
    path = app / "package.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"packageManager": manager}, indent=2))


def npm_lock(app: Path) -> None:
    """The lock file of npm."""
    assert command(["npm", "install", "--package-lock-only", "--silent"], app, clean_environ()).code == 0


def pnpm_lock(app: Path) -> None:
    """The lock file of pnpm, at a version that package.json names."""
    named(app, "pnpm@10.20.0")
    npx(app, "pnpm@10.20.0", "install", "--lockfile-only")


def yarn_lock(app: Path) -> None:
    """The lock file of Yarn, at a version that package.json names."""
    named(app, "yarn@4.9.2")
    npx(app, "@yarnpkg/cli-dist@4.9.2", "install", "--mode=update-lockfile")


def classic_lock(app: Path) -> None:
    """The lock file of the first Yarn; package.json names none."""
    npx(app, "yarn@1.22.22", "install", "--ignore-scripts", "--silent")


def own_choices(app: Path) -> None:
    """A base path, another folder for the build, with an earlier one's result in it, a port and a host of its own."""
    (config,) = app.glob("vite.config.*")
    choices = "base: '/shop/', build: { outDir: 'public_html' }, server: { port: 4321, host: 'localhost', open: true },"
    config.write_text(config.read_text().replace("defineConfig({", f"defineConfig({{ {choices}", 1))
    (app / "public_html").mkdir()
    (app / "public_html/index.html").write_text("<p>Earlier</p>")


CASES = {
    "vanilla": Case("vanilla"),
    "vue-npm-lock": Case("vue", npm_lock),
    "react-ts": Case("react-ts"),
    "svelte-ts-pnpm": Case("svelte-ts", pnpm_lock, manager="pnpm"),
    "lit-yarn": Case("lit", yarn_lock, manager="yarn"),
    "preact-own-choices": Case("preact", own_choices, base="/shop/"),
}
if os.environ.get("MATRIX") == "all":
    CASES |= {name: Case(name) for framework in FRAMEWORKS for name in (framework, f"{framework}-ts")}
    CASES["vue-ts-yarn-classic"] = Case("vue-ts", classic_lock, manager="yarn")


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    """One of them."""
    found: Case = request.param
    return found


@pytest.fixture
def app(case: Case, tmp_path: Path) -> Path:
    """The template's app, as create-vite leaves it, and prepared."""
    made_by = FOR_QWIK if case.template.startswith("qwik") else CREATE_VITE
    npx(tmp_path, made_by, "app", "--template", case.template, "--no-interactive")
    case.prepare(tmp_path / "app")
    return tmp_path / "app"


def entry(app: Path) -> Path:
    """The module that index.html loads."""
    found = re.search(r'<script type="module" src="/([^"]+)"', (app / "index.html").read_text())
    assert found is not None
    return app / found.group(1)


def edit_arrives(project: Project, app: Path, base: str) -> None:
    """Edit the entry module, fetch it until the edit is served, and take the edit back."""
    source = entry(app)
    before = source.read_text()
    url = f"{project.container('dev').url}{base}{source.relative_to(app)}"

    def served() -> str:
        return httpx.get(url, timeout=20, trust_env=False).text

    assert MARK not in served()
    try:
        source.write_text(f"{before}\nconsole.info('{MARK}')\n")
        assert wait_until(lambda: Probe(MARK in served()), 10).ready
    finally:
        source.write_text(before)


def test_any_vite_app(new_project: NewProject, case: Case, app: Path) -> None:
    """dev serves it and an edit of it, run-prod builds and serves it, verify finds nothing; and nobody changed it."""
    there = {path: path.read_bytes() for path in app.rglob("*") if path.is_file() and "node_modules" not in path.parts}
    project = new_project(APP_DIR=str(app), PROD_DEPLOY_TIMEOUT="60", DEV_DEPLOY_TIMEOUT="60")
    output = project.does("dev", "--detach")
    assert f"{project.container('dev').url}{case.base if case.base != '/' else ''}\n" in output
    assert project.engine.exec(f"{project.name}-dev", [case.manager, "--version"]).ok
    edit_arrives(project, app, case.base)
    project.does("stop")
    output = project.does("run-prod")
    assert ("has no lock file" in output) == (not any(app.glob("*lock*")))
    page = project.page(case.base)
    script = re.search(r'<script[^>]* src="([^"]+)"', page.text)
    assert script is not None
    assert script.group(1).startswith(case.base)
    assert project.page(script.group(1)).headers["content-type"].startswith("text/javascript")
    # Their colours and headings are the template's own.
    assert "0 failed" in project.does("verify", "--skip=browser.accessible")
    assert all(path.read_bytes() == content for path, content in there.items())
