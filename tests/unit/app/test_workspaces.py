from __future__ import annotations

import json
from pathlib import Path

import pytest

from docktasks.app import workspaces
from docktasks.app.package import App, PackageManager
from docktasks.errors import AppError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app


def make_workspace(root: Path, **manifest: object) -> Path:
    """Make a workspace in a repository of its own, with an app in apps/web; `manifest` is its package.json."""
    web = make_app(root / "apps/web", name="web")
    (web / "package-lock.json").unlink()
    (root / ".git").mkdir()
    (root / "package.json").write_text(json.dumps(manifest))
    return web


@pytest.mark.parametrize(
    "patterns",
    [["apps/*"], ["apps/web"], ["./apps/web/"], ["apps/**"], ["**"], ["packages/*", "{apps,sites}/*"], ["a?ps/w*"],
     ["*/*", "!packages/*"]],
)  # fmt: skip
def test_the_root_lists_the_app(tmp_path: Path, patterns: list[str]) -> None:
    """npm, yarn and bun have a list of patterns in package.json."""
    web = make_workspace(tmp_path, workspaces=patterns)
    assert workspaces.root_of(web) == tmp_path


@pytest.mark.parametrize(
    "patterns", [[], ["packages/*"], ["*"], ["apps/we"], ["apps/*", "!apps/web"], ["!**/web", "**"]]
)
def test_a_parent_that_does_not_list_the_app_is_no_root(tmp_path: Path, patterns: list[str]) -> None:
    """The app is installed on its own, as the package managers do it."""
    web = make_workspace(tmp_path, workspaces=patterns)
    assert workspaces.root_of(web) == web


def test_yarn_and_bun_name_packages_in_an_object(tmp_path: Path) -> None:
    """Yarn has nohoist next to them, bun its catalogs."""
    web = make_workspace(tmp_path, workspaces={"packages": ["apps/*"], "nohoist": ["**"]})
    assert workspaces.root_of(web) == tmp_path


@pytest.mark.parametrize(
    ("text", "is_root"),
    [("packages:\n  - 'apps/*'\n", True), ("packages: ['.', 'apps/**']", True), ("", False),
     ("packages:\n  - '!apps/*'\n  - '**'\n", False), ("catalog:\n  vite: ^8\n", False)],
)  # fmt: skip
def test_pnpm_has_a_file_of_its_own(tmp_path: Path, text: str, is_root: bool) -> None:  # noqa: FBT001 - a case
    """A file with settings only makes no workspace."""
    web = make_workspace(tmp_path)
    (tmp_path / "pnpm-workspace.yaml").write_text(text)
    (tmp_path / "package.json").unlink()  # pnpm needs none
    assert workspaces.root_of(web) == (tmp_path if is_root else web)


def test_the_root_may_be_some_folders_above(tmp_path: Path) -> None:
    """A package.json between the two that is no workspace does not matter."""
    web = make_workspace(tmp_path, workspaces=["apps/**"])
    shop = make_app(web / "sites/shop")
    assert workspaces.root_of(shop) == tmp_path


def test_nothing_above_the_repository_is_read(tmp_path: Path) -> None:
    """A repository may lie in any folder, also in another one's workspace."""
    web = make_workspace(tmp_path, workspaces=["apps/*"])
    (web / ".git").write_text("gitdir: elsewhere")
    assert workspaces.root_of(web) == web


def test_nothing_from_the_users_home_on_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app that is in no repository has no other limit."""
    web = make_workspace(tmp_path, workspaces=["apps/*"])
    (tmp_path / ".git").rmdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert workspaces.root_of(web) == web


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("package.json", '{"workspaces": ["apps/*"]', "package.json is not JSON: "),
        ("package.json", '{"workspaces": "apps/*"}', "package.json cannot be used: workspaces is 'apps/*'"),
        ("package.json", '{"workspaces": [{"apps": 1}]}', "package.json cannot be used: workspaces is "),
        ("pnpm-workspace.yaml", "packages: [", "pnpm-workspace.yaml is not YAML: "),
        ("pnpm-workspace.yaml", "- apps/*", "pnpm-workspace.yaml holds no keys"),
        ("pnpm-workspace.yaml", "packages: apps/*", "pnpm-workspace.yaml cannot be used: packages is 'apps/*'"),
    ],
)
def test_a_root_that_cannot_be_read_is_an_error(tmp_path: Path, name: str, text: str, what: str) -> None:
    """The error names the file; the app may be one of its packages."""
    web = make_workspace(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(AppError) as caught:
        workspaces.root_of(web)
    assert f"{tmp_path}/{what}" in caught.value.what


def test_a_broken_file_that_speaks_of_no_workspace_is_passed_over(tmp_path: Path) -> None:
    """It may be somebody else's, and no package manager minds."""
    web = make_workspace(tmp_path)
    (tmp_path / "package.json").write_text("{")
    assert workspaces.root_of(web) == web


def test_packages_are_those_that_the_root_lists(tmp_path: Path) -> None:
    """Installed packages and folders without a package.json are none."""
    make_workspace(tmp_path, workspaces=["apps/*", "packages/**"])
    make_app(tmp_path / "packages/ui", name="ui")
    make_app(tmp_path / "packages/ui/node_modules/vue")
    make_app(tmp_path / "examples/demo")
    (tmp_path / "packages/empty").mkdir()
    assert [(path, package["name"]) for path, package in workspaces.packages_of(tmp_path).items()] == [
        ("apps/web", "web"),
        ("packages/ui", "ui"),
    ]


def test_the_app_has_the_manager_and_the_lock_file_of_the_root(settings: Settings) -> None:
    """Its own package.json names none, and its folder has no lock file."""
    root = settings.root / "repo"
    make_workspace(root, workspaces=["apps/*"], packageManager="yarn@4.9.2")
    (root / "yarn.lock").write_text("__metadata:")
    app = App.load(configured(settings.root, app_dir="repo/apps/web"))
    assert (app.root, app.path_in_root) == (root, "apps/web")
    assert app.package_manager == PackageManager("yarn", "@yarnpkg/cli-dist@4.9.2", "yarn.lock")
    assert app.lock_notices == []


def test_an_app_on_its_own_is_its_root(settings: Settings) -> None:
    """Its path in it is a dot."""
    app = App.load(settings)
    assert (app.root, app.path_in_root) == (settings.app_dir, ".")


@pytest.mark.parametrize("page", ["index.html", "astro.config.mjs", "vite.config.ts"])
def test_the_root_of_a_workspace_is_not_taken_for_the_app(settings: Settings, page: str) -> None:
    """The error names the folder of the app, before a dev server says that it finds no Vite."""
    root = settings.root / "repo"
    web = make_workspace(root, workspaces=["apps/*"], scripts={"dev": "turbo dev"})
    (web / page).touch()
    with pytest.raises(AppError, match=r"is the root of a workspace\. Its Vite app is in apps/web") as caught:
        App.load(configured(settings.root, app_dir="repo"))
    assert f"INVOKE_APP_DIR={web}" in caught.value.how


def test_a_library_with_a_vite_config_is_not_taken_for_the_app(settings: Settings) -> None:
    """It has no page. Several apps are all named."""
    root = settings.root / "repo"
    (make_workspace(root, workspaces=["apps/*", "packages/*"]) / "index.html").touch()
    (make_app(root / "packages/ui") / "vite.config.ts").touch()
    (make_app(root / "apps/admin") / "index.html").touch()
    with pytest.raises(AppError, match="in apps/admin or apps/web"):
        App.load(configured(settings.root, app_dir="repo"))


def test_a_package_without_scripts_and_a_page_is_no_app(settings: Settings) -> None:
    """Its configuration is for tests, also next to an app whose page is elsewhere."""
    root = settings.root / "repo"
    (make_workspace(root, workspaces=["apps/*", "packages/*"]) / "vite.config.ts").touch()
    (make_app(root / "packages/ui", scripts={}) / "vite.config.ts").touch()
    assert workspaces.apps_of(root) == ["apps/web"]
    (root / "packages/ui/index.html").touch()
    assert workspaces.apps_of(root) == ["packages/ui"]


@pytest.mark.parametrize("page", ["index.html", "vite.config.js"])
def test_an_app_may_be_the_root_of_its_workspace(settings: Settings, page: str) -> None:
    """Its packages are in its folder."""
    root = settings.root / "repo"
    (make_workspace(root, workspaces=["apps/*"], scripts={"build": "vite build"}) / "index.html").touch()
    (root / page).touch()
    app = App.load(configured(settings.root, app_dir="repo"))
    assert (app.root, app.path_in_root) == (root, ".")


def test_the_root_may_build_an_app_into_a_folder_of_it(settings: Settings) -> None:
    """app.dist says so."""
    root = settings.root / "repo"
    (make_workspace(root, workspaces=["apps/*"]) / "index.html").touch()
    assert App.load(configured(settings.root, app_dir="repo", app_dist="apps/web/dist")).path_in_root == "."
