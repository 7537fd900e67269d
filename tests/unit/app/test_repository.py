from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from docktasks.app import repository
from docktasks.errors import AppError

MANIFEST = '{"scripts": {"build": "vite build"}}'
PAGE = {"index.html": "", "package.json": MANIFEST}
NEXT = {"index.html": "", "package.json": '{"scripts": {"build": "next build"}, "devDependencies": {"vitest": "4"}}'}
VITE_PLUS = {"index.html": "", "package.json": '{"scripts": {"build": "vp build"}}'}
TESTS = {"vite.config.ts": "", "package.json": '{"scripts": {"test": "vitest -c vite.config.ts"}}'}
WORKSPACE = {"pnpm-workspace.yaml": "packages: [apps/*]"}
BARE = {"index.html": "", "vite.config.ts": "", "package.json": '{"name": "nx"}'}
CONFIG = {"vite.config.ts": "", "package.json": MANIFEST}


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's folder for states is empty."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A folder whose path has a space."""
    folder = tmp_path / "my repo"
    folder.mkdir()
    return folder


def write(folder: Path, *trees: tuple[str, dict[str, str]]) -> None:
    """Write files into folders of a repository, as contents by name."""
    for path, files in trees:
        (folder / path).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / path / name).write_text(content)


@pytest.mark.parametrize(
    ("trees", "app"),
    [
        ([(".", PAGE)], "."),
        ([(".", CONFIG)], "."),
        ([(".", PAGE), ("examples/one", PAGE), ("examples/two", PAGE)], "."),
        ([("web", PAGE), ("server", {"package.json": "{}"})], "web"),
        ([("apps/web", CONFIG), ("node_modules/x", PAGE), (".cache/y", PAGE)], "apps/web"),
        ([("web", PAGE), ("library", CONFIG)], "web"),
        ([("next", NEXT), ("web", PAGE)], "web"),
        ([(".", {"package.json": '{"workspaces": ["apps/*"]}'}), ("apps/next", NEXT), ("apps/web", PAGE)], "apps/web"),
        ([(".", {"package.json": '{"workspaces": ["apps/*"]}'}), ("apps/nx", BARE)], "apps/nx"),
        ([("next", NEXT), ("web", VITE_PLUS)], "web"),
        ([(".", TESTS | WORKSPACE), ("apps/web", PAGE)], "apps/web"),
        ([(".", CONFIG | WORKSPACE), ("apps/web", PAGE)], "."),
        ([("web", PAGE), ("web/fixtures/app", PAGE)], "web"),
        ([(".", {"package.json": '{"workspaces": ["apps/*"]}'}), ("apps/web", PAGE), ("e2e/site", PAGE)], "apps/web"),
        ([(".", {"package.json": '{"scripts": {"build": "make"}}'})], "."),
        ([("site", {"astro.config.mjs": "", "package.json": "{}"})], "site"),
    ],
)
def test_app_is_the_folder_or_the_only_one_below(repo: Path, trees: list[tuple[str, dict[str, str]]], app: str) -> None:
    """A folder with a page, or with a configuration of Vite, is an app. The apps in it are its own business.

    Of several, those that have no Vite do not count. The root of a workspace may have a configuration for tests only.
    """
    write(repo, *trees)
    assert repository.find_app(repo, "dist") == app


@pytest.mark.parametrize(
    ("scripts", "app"),
    [
        ({"build": "yarn --cwd ./apps/b build"}, "apps/b"),
        ({"start": "cd apps/a && pnpm dev"}, "apps/a"),
        ({"build": "pnpm --filter=@fleet/b build", "test": "cd apps/a && vitest"}, "apps/b"),
        ({"dev": "npm run dev -w apps/a", "build": "npm run build -w apps/b"}, None),
        ({"build": "turbo build"}, None),
    ],
)
def test_scripts_of_the_root_choose_one_of_several_apps(repo: Path, scripts: dict[str, str], app: str | None) -> None:
    """They name its folder or its package. Two that name different apps choose none."""
    write(repo, (".", {"package.json": json.dumps({"workspaces": ["apps/*"], "scripts": scripts})}))
    for name in ("a", "b"):
        write(
            repo,
            (
                f"apps/{name}",
                {**CONFIG, "package.json": json.dumps({"name": f"@fleet/{name}", "scripts": {"build": ""}})},
            ),
        )
    if app:
        assert repository.find_app(repo, "dist") == app
    else:
        with pytest.raises(AppError, match="2 Vite apps"):
            repository.find_app(repo, "dist")


def test_several_apps_are_named(repo: Path) -> None:
    """The error says how to choose one. The folder of a build at the root chooses the root."""
    write(repo, *[(f"apps/{name}", PAGE) for name in ("a", "b")], (".", {"package.json": "{}"}))
    with pytest.raises(AppError) as caught:
        repository.find_app(repo, "dist")
    assert caught.value.what == f"{repo} has 2 Vite apps: apps/a, apps/b."
    assert "INVOKE_APP_DIR=apps/a" in caught.value.how
    assert repository.find_app(repo, "apps/a/dist") == "."


def test_long_list_of_apps_is_cut(repo: Path) -> None:
    """A repository of examples has dozens."""
    write(repo, *[(f"examples/{number:02}", PAGE) for number in range(12)])
    with pytest.raises(AppError, match=r"has 12 Vite apps: examples/00, .*examples/04, and 7 more\."):
        repository.find_app(repo, "dist")


def test_folder_without_an_app_is_an_error(repo: Path) -> None:
    """The error says what an app is."""
    write(repo, ("src", {"index.html": ""}))
    with pytest.raises(AppError, match="There is no Vite app in ") as caught:
        repository.find_app(repo, "dist")
    assert "package.json" in caught.value.why


def test_folder_of_deno_is_an_error_that_says_so(repo: Path) -> None:
    """It has a configuration of Vite, and no package.json."""
    write(repo, (".", {"deno.json": "{}", "vite.config.ts": ""}))
    with pytest.raises(AppError, match=r"is an app of Deno \(deno\.json\)"):
        repository.find_app(repo, "dist")


def test_call_in_a_folder_of_the_app_is_for_the_app(repo: Path) -> None:
    """The nearest folder with a package.json or settings counts, up to that of the repository."""
    write(repo, ("web", PAGE), ("web/src/views", {}), ("docs", {}), (".git", {}))
    assert repository.root_from(repo / "web/src/views") == repo / "web"
    assert repository.root_from(repo / "docs") == repo / "docs"
    (repo / "invoke.yaml").write_text("")
    assert repository.root_from(repo / "docs") == repo


def test_folder_outside_of_a_repository_stays(repo: Path) -> None:
    """What lies above it is somebody else's."""
    write(repo, (".", PAGE), ("notes", {}))
    assert repository.root_from(repo / "notes") == repo / "notes"


@pytest.mark.parametrize(
    ("package", "folder", "name"),
    [
        ("shop", "x", "shop"),
        ("@acme/web", "x", "acme-web"),
        ("My_Shop.v2", "x", "my-shop-v2"),
        ("grüße-café", "x", "grusse-cafe"),
        (None, "My Site", "my-site"),
        ("", "Über uns", "uber-uns"),
        ("店", "laden", "laden"),
        ("店", "店", "app"),
        (7, "x", "7"),
        ("a" * 60, "x", "a" * 33),
        ("-".join(["ab"] * 20), "x", "ab-" * 10 + "ab"),
    ],
)
def test_name_is_one_that_docker_takes(repo: Path, package: object, folder: str, name: str) -> None:
    """It follows from package.json, or else from the folder."""
    write(repo, (folder, {"package.json": json.dumps({} if package is None else {"name": package})}))
    assert repository.project_name(repo / folder, dry=False) == (name, "")


def test_second_app_of_a_name_gets_a_name_of_its_own(repo: Path) -> None:
    """It is said once, and holds after the first app is gone: its containers have it."""
    write(repo, *[(folder, {"package.json": '{"name": "web"}'}) for folder in ("a", "b", "c")])
    assert repository.project_name(repo / "a", dry=False) == ("web", "")
    name, notice = repository.project_name(repo / "b", dry=False)
    assert name.startswith("web-")
    assert notice == f"The project web is the app in {repo / 'a'}, so this one is called {name}."
    assert repository.project_name(repo / "b", dry=False) == (name, "")
    shutil.rmtree(repo / "a")
    assert repository.project_name(repo / "b", dry=False) == (name, "")
    assert repository.project_name(repo / "c", dry=False) == ("web", "")


def test_dry_run_keeps_no_name(repo: Path, tmp_path: Path) -> None:
    """It shows the name that a task would take."""
    write(repo, ("a", {"package.json": '{"name": "web"}'}), ("b", {"package.json": '{"name": "web"}'}))
    assert repository.project_name(repo / "a", dry=True) == ("web", "")
    assert repository.project_name(repo / "b", dry=True) == ("web", "")
    assert not list((tmp_path / "state").rglob("*.json"))


def test_broken_list_of_projects_is_written_again(repo: Path, tmp_path: Path) -> None:
    """A file that was cut off ends no task."""
    write(repo, ("a", {"package.json": '{"name": "web"}'}))
    write(tmp_path, ("state/hello-dock", {"projects.json": '{"web": '}))
    assert repository.project_name(repo / "a", dry=False) == ("web", "")
    assert json.loads((tmp_path / "state/hello-dock/projects.json").read_text()) == {"web": str(repo / "a")}
