from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from docktasks.app.package import App
from docktasks.app.siblings import Sibling, siblings_of
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app

BUILD = {"build": "tsc"}


@pytest.fixture
def repo(settings: Settings) -> Path:
    """A workspace whose app needs the package ui."""
    root = settings.root / "repo"
    make_app(root / "apps/web", name="web", dependencies={"ui": "1.0.0", "vue": "^3"})
    (root / "package.json").write_text('{"workspaces": ["apps/*", "packages/*"]}')
    return root


def add_package(root: Path, folder: str, *files: str, **fields: object) -> None:
    """Add a package with a script `build` and these files; `fields` are more of its package.json."""
    package = make_app(root / "packages" / folder, **{"name": folder, "scripts": BUILD, **fields})
    for file in files:
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).touch()


def siblings(settings: Settings) -> list[Sibling]:
    """What is built before the app."""
    return siblings_of(App.load(configured(settings.root, app_dir="repo/apps/web")))


@pytest.mark.parametrize(
    "fields",
    [
        {"main": "dist/index.js"},
        {"module": "./dist/index.mjs", "main": "src/index.js"},
        {"exports": "./dist/index.js"},
        {"exports": {".": {"import": {"types": "./dist/index.d.ts", "default": "./src/index.js"}}}},
        {"exports": {"./*": "./dist/*.js", ".": None}},
        {"main": "src/index.js", "bin": {"ui": "dist/cli.js"}},
        {},
    ],
)
def test_a_package_whose_files_are_not_in_the_source_is_built(
    settings: Settings, repo: Path, fields: dict[str, object]
) -> None:
    """Without any entry node takes index.js."""
    add_package(repo, "ui", "src/index.js", **fields)
    assert [sibling.path for sibling in siblings(settings)] == ["packages/ui"]


@pytest.mark.parametrize(
    "fields",
    [{"main": "src/index.js"}, {"main": "src/index"}, {"main": "src"}, {"exports": {"./*": "./src/*.js"}},
     {"exports": "./src/index.js", "scripts": {}}, {"exports": "./dist/index.js", "scripts": {"test": "vitest"}},
     {"exports": {"./*": "./*"}}],
)  # fmt: skip
def test_a_package_that_is_used_as_source_is_not_built(
    settings: Settings, repo: Path, fields: dict[str, object]
) -> None:
    """Neither is one without a script for it."""
    add_package(repo, "ui", "src/index.js", **fields)
    assert siblings(settings) == []


def test_packages_are_built_after_what_they_need_and_only_for_the_app(settings: Settings, repo: Path) -> None:
    """A circle ends. Packages of the registry and those that the app does not need are no siblings."""
    add_package(repo, "ui", dependencies={"utils": "workspace:*"}, devDependencies={"tokens": "workspace:^"})
    add_package(repo, "utils", dependencies={"ui": "*"})
    add_package(repo, "tokens")
    add_package(repo, "unused")
    assert [sibling.path for sibling in siblings(settings)] == ["packages/utils", "packages/tokens", "packages/ui"]


def test_a_package_may_have_another_name_in_the_app(settings: Settings, repo: Path) -> None:
    """pnpm and yarn name it after workspace:."""
    add_package(repo, "design-system", name="@acme/design-system")
    manifest = json.loads((repo / "apps/web/package.json").read_text())
    manifest["dependencies"] = {"ui": "workspace:@acme/design-system@*"}
    (repo / "apps/web/package.json").write_text(json.dumps(manifest))
    assert [sibling.path for sibling in siblings(settings)] == ["packages/design-system"]


@pytest.mark.parametrize("name", ["turbo.json", "nx.json"])
def test_what_turbo_or_nx_builds_before_the_app_is_built(settings: Settings, repo: Path, name: str) -> None:
    """Its build may write what its source imports."""
    add_package(repo, "ui", "src/index.js", main="src/index.js")
    (repo / name).write_text('{"build": {"dependsOn": ["^build"]}}')
    assert [sibling.path for sibling in siblings(settings)] == ["packages/ui"]


@pytest.mark.parametrize("is_repository", [True, False])
def test_what_an_earlier_build_wrote_is_no_source(settings: Settings, repo: Path, is_repository: bool) -> None:  # noqa: FBT001 - a case
    """git ignores it; without git it is dist. The build context leaves it out."""
    add_package(repo, "ui", "src/index.js", "dist/esm/index.js", main="./dist/esm/index.js")
    if is_repository:
        (repo / ".gitignore").write_text("dist/\n")
        subprocess.run(["git", "init", "--quiet", repo], check=True)
    assert siblings(settings) == [Sibling("packages/ui", ("packages/ui/dist",), is_built=True)]


def test_what_git_has_is_source(settings: Settings, repo: Path) -> None:
    """A committed dist is used as it is."""
    add_package(repo, "ui", "dist/index.js", main="dist/index.js")
    subprocess.run(["git", "init", "--quiet", repo], check=True)
    assert siblings(settings) == []
