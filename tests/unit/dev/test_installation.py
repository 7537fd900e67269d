from __future__ import annotations

import json
from pathlib import Path

import pytest

from docktasks.app.package import App
from docktasks.app.project import Project
from docktasks.app.siblings import siblings_of
from docktasks.containers.app_mount import Checkout
from docktasks.dev import installation
from docktasks.dev.run_args import DevRunSpec
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner


@pytest.fixture
def repo(settings: Settings) -> Path:
    """A workspace whose app needs the package ui, which has to be built."""
    root = settings.root / "repo"
    make_app(root / "apps/web", name="web", dependencies={"ui": "1.0.0"})
    make_app(root / "packages/ui", name="ui", main="dist/index.js")
    (root / "package.json").write_text(json.dumps({"workspaces": ["apps/*", "packages/*"]}))
    return root


def builds(settings: Settings, run: Runner, engine: FakeEngine) -> list[str]:
    """Return the commands that build siblings before the dev server starts."""
    project = Project(run, engine, configured(settings.root, app_dir="repo/apps/web"))
    installation.build_siblings(project, DevRunSpec(Checkout.of(project.app), "modules", "1000:1000"))
    return [" ".join(command) for command in run.ran if "/tools/node/build-siblings.sh" in command]


def test_a_sibling_without_its_files_is_built_in_the_checkout(
    settings: Settings, run: Runner, engine: FakeEngine, repo: Path
) -> None:
    """The app's page would not find it. The command runs in the root."""
    (command,) = builds(settings, run, engine)
    assert command.endswith(" hello-dock:dev sh /tools/node/build-siblings.sh npm packages/ui")
    assert f"source={repo}," in command


def test_a_sibling_with_its_files_is_left_as_it_is(
    settings: Settings, run: Runner, engine: FakeEngine, repo: Path
) -> None:
    """Its developer decides when it is built again."""
    (repo / "packages/ui/dist").mkdir()
    (repo / "packages/ui/dist/index.js").touch()
    assert builds(settings, run, engine) == []


def test_a_sibling_that_is_used_as_built_is_named(
    settings: Settings, run: Runner, engine: FakeEngine, repo: Path
) -> None:
    """An edit of its source needs another build. One whose source the app reads is not named."""
    (repo / "packages/ui/dist").mkdir()
    (repo / "packages/ui/dist/index.js").touch()
    project = Project(run, engine, configured(settings.root, app_dir="repo/apps/web"))
    run_spec = DevRunSpec(Checkout.of(project.app), "modules", "1000:1000")
    (notice,) = installation.build_siblings(project, run_spec)
    assert notice == (
        "Used as built: packages/ui. Build it again after an edit there: (cd packages/ui && npm run build)"
    )
    manifest = repo / "packages/ui/package.json"
    manifest.write_text(manifest.read_text().replace("dist/index.js", "index.js"))
    (repo / "packages/ui/index.js").touch()
    project = Project(run, engine, configured(settings.root, app_dir="repo/apps/web"))
    assert installation.build_siblings(project, run_spec) == []


def test_siblings_are_looked_for_once_by_a_project(settings: Settings, repo: Path) -> None:
    """A build needs them for its arguments and for its context."""
    project = Project(Runner(), FakeEngine(), configured(settings.root, app_dir="repo/apps/web"))
    first = siblings_of(project.app)
    (repo / "packages/ui/package.json").unlink()
    assert siblings_of(project.app) is first
    assert siblings_of(App.load(project.settings)) == []
