"""Any Vite app: the templates of create-vite, and choices that an app may make.

CI runs a few templates that represent the rest. MATRIX=all runs every template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from benchmarks.checkout import CREATE_VITE, VITE_VERSION
from docktasks.waiting import Probe, wait_until
from tests.support.commands import clean_environ, run_command
from tests.support.long_forms import IS_LONG_FORM
from tests.support.project import ProjectFactory, ProjectUnderTest

CREATE_VITE_FOR_QWIK = "create-vite@8.3.0"
"""The last version whose qwik templates npm can install. Later ones have a Vite that qwik refuses."""
FRAMEWORKS = ("vanilla", "vue", "react", "react-compiler", "preact", "lit", "svelte", "solid", "qwik")
TEMPLATES = tuple(name for framework in FRAMEWORKS for name in (framework, f"{framework}-ts"))
MARK = "harbour-5f2c"


@dataclass(frozen=True)
class Case:
    """A template, a function that changes the new app, and the base path and package manager that the app has."""

    template: str
    prepare: Callable[[Path], None] = lambda _app: None
    base: str = "/"
    manager: str = "npm"


def npx(app: Path, *args: str) -> str:
    """Run a command of an npm package in the app's folder, and return its output."""
    registry = run_command(["npm", "config", "get", "registry"], app, clean_environ()).output.strip()
    environ = clean_environ() | {"YARN_NPM_REGISTRY_SERVER": registry, "NPM_CONFIG_REGISTRY": registry}
    result = run_command(["npx", "--yes", *args], app, environ)
    assert result.ok, result.output
    return result.output


def new_app(folder: Path, name: str, template: str) -> Path:
    """Make a new app of a template of create-vite, and return its folder."""
    package = CREATE_VITE_FOR_QWIK if template.startswith("qwik") else CREATE_VITE
    npx(folder, package, name, "--template", template, "--no-interactive")
    return folder / name


def set_package_manager(app: Path, manager: str) -> None:
    """Set the field packageManager of package.json."""
    path = app / "package.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"packageManager": manager}, indent=2))


def pin_vite(app: Path) -> None:
    """Fix the version of Vite. Newer ones need an optional package that no registry has yet, so no lock file has it."""
    path = app / "package.json"
    package = json.loads(path.read_text())
    package["devDependencies"]["vite"] = VITE_VERSION
    path.write_text(json.dumps(package, indent=2))


def npm_lock(app: Path) -> None:
    """Make the lock file of npm."""
    pin_vite(app)
    assert run_command(["npm", "install", "--package-lock-only", "--silent"], app, clean_environ()).code == 0


def pnpm_lock(app: Path) -> None:
    """Make the lock file of pnpm, in a version that package.json names."""
    set_package_manager(app, "pnpm@10.20.0")
    npx(app, "pnpm@10.20.0", "install", "--lockfile-only")


def yarn_lock(app: Path) -> None:
    """Make the lock file of Yarn, in a version that package.json names."""
    pin_vite(app)
    set_package_manager(app, "yarn@4.9.2")
    npx(app, "@yarnpkg/cli-dist@4.9.2", "install", "--mode=update-lockfile")


def classic_lock(app: Path) -> None:
    """Make the lock file of Yarn 1, which package.json does not name."""
    npx(app, "yarn@1.22.22", "install", "--ignore-scripts", "--silent")


def own_choices(app: Path) -> None:
    """Choose a base path, a port, a host, and a build folder that has an earlier build in it."""
    (config,) = app.glob("vite.config.*")
    choices = "base: '/shop/', build: { outDir: 'public_html' }, server: { port: 4321, host: 'localhost', open: true },"
    config.write_text(config.read_text().replace("defineConfig({", f"defineConfig({{ {choices}", 1))
    (app / "public_html").mkdir()
    (app / "public_html/index.html").write_text("<p>Earlier</p>")


CASES = {
    "react-ts": Case("react-ts"),
    "svelte-ts-pnpm": Case("svelte-ts", pnpm_lock, manager="pnpm"),
}
if IS_LONG_FORM:
    CASES["lit-yarn"] = Case("lit", yarn_lock, manager="yarn")
    CASES |= {name: Case(name) for name in TEMPLATES}
    CASES["vue-npm-lock"] = Case("vue", npm_lock)
    CASES["preact-own-choices"] = Case("preact", own_choices, base="/shop/")
    CASES["vue-ts-yarn-classic"] = Case("vue-ts", classic_lock, manager="yarn")


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    """One of CASES."""
    case: Case = request.param
    return case


@pytest.fixture
def app(case: Case, tmp_path: Path) -> Path:
    """The new app of the template, after the changes of its case."""
    app = new_app(tmp_path, "app", case.template)
    case.prepare(app)
    return app


def entry_module(app: Path) -> Path:
    """Return the module that index.html loads."""
    script = re.search(r'<script type="module" src="/([^"]+)"', (app / "index.html").read_text())
    assert script is not None
    return app / script.group(1)


def assert_edit_is_served(project: ProjectUnderTest, app: Path, base: str) -> None:
    """Edit the entry module, fetch it until the edit is served, and take the edit back."""
    source = entry_module(app)
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


@pytest.mark.long
def test_templates_are_all_that_create_vite_has(tmp_path: Path) -> None:
    """A new one fails here, and gets a case."""
    listed = npx(tmp_path, CREATE_VITE, "--help").partition("Available templates:")[2]
    assert sorted(listed.split()) == sorted(TEMPLATES)


def test_any_vite_app_goes_through_dev_run_prod_and_verify(new_project: ProjectFactory, case: Case, app: Path) -> None:
    """dev serves the app and an edit, run-prod serves its build, and verify finds no fault. No file of it changes."""
    files = {path: path.read_bytes() for path in app.rglob("*") if path.is_file() and "node_modules" not in path.parts}
    project = new_project(APP_DIR=str(app), PROD_DEPLOY_TIMEOUT="60", DEV_DEPLOY_TIMEOUT="60")
    output = project.succeeds("dev", "--detach")
    assert f"{project.container('dev').url}{case.base if case.base != '/' else ''}\n" in output
    assert project.engine.exec(f"{project.name}-dev", [case.manager, "--version"]).ok
    assert_edit_is_served(project, app, case.base)
    project.succeeds("stop")
    output = project.succeeds("run-prod")
    assert ("has no lock file" in output) == (not any(app.glob("*lock*")))
    page = project.get(case.base)
    script = re.search(r'<script[^>]* src="([^"]+)"', page.text)
    assert script is not None
    assert script.group(1).startswith(case.base)
    assert project.get(script.group(1)).headers["content-type"].startswith("text/javascript")
    # The colours and headings are the template's own.
    assert "0 failed" in project.succeeds("verify", "--skip=browser.accessible")
    assert all(path.read_bytes() == content for path, content in files.items())
