from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.app import git as app_git
from docktasks.app.package import App
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app
from tests.unit.fakes.git import EPOCH, commit_all, git


def source_of(settings: Settings) -> app_git.Source:
    """Return what git says of the app of these settings."""
    return app_git.source(App.load(settings), settings)


def test_source_outside_of_a_repository_has_only_the_version(settings: Settings) -> None:
    """It is no error that there is no commit."""
    assert source_of(settings) == app_git.Source("1.2.3")


@pytest.mark.usefixtures("programs")
def test_source_without_git_has_only_the_version(settings: Settings) -> None:
    """A build works on a machine without git."""
    assert source_of(settings) == app_git.Source("1.2.3")


def test_source_in_an_empty_repository_has_only_the_version(settings: Settings) -> None:
    """After `git init` there is no commit."""
    git(settings.root, "init", "--quiet")
    assert source_of(settings) == app_git.Source("1.2.3")


def test_source_of_an_app_without_a_version(settings: Settings) -> None:
    """package.json needs no version."""
    (settings.app_dir / "package.json").write_text("{}")
    assert source_of(settings) == app_git.Source("0.0.0")


def test_source_has_the_commit_and_its_time(settings: Settings) -> None:
    """A checkout without changes has the id of its commit."""
    head = commit_all(settings.root)
    assert source_of(settings) == app_git.Source("1.2.3", head, EPOCH)


@pytest.mark.parametrize(
    "path",
    ["hello-dock/src/App.vue", "hello-dock/package.json", "docktasks/images/nginx/site.conf", "Dockerfile"],
)
def test_change_of_a_build_input_makes_the_revision_dirty(settings: Settings, path: str) -> None:
    """A new file is a change, too."""
    head = commit_all(settings.root)
    changed = settings.root / path
    changed.parent.mkdir(exist_ok=True)
    changed.write_text(changed.read_text() + "\n" if changed.exists() else "new")
    assert source_of(settings).revision == f"{head}-dirty"


def test_change_of_another_file_keeps_the_revision(settings: Settings) -> None:
    """The image is the same as without the change."""
    head = commit_all(settings.root)
    (settings.root / "README.md").write_text("new")
    assert source_of(settings).revision == head


def test_source_of_another_app_is_the_apps_repository(settings: Settings, tmp_path: Path) -> None:
    """Changes in this checkout do not count."""
    commit_all(settings.root)
    shop = make_app(tmp_path / "shop", version="9.0.0")
    head = commit_all(shop)
    (settings.root / "Dockerfile").write_text("changed")
    shop_settings = configured(settings.root, app_dir=str(shop))
    assert source_of(shop_settings) == app_git.Source("9.0.0", head, EPOCH)
    (shop / "index.html").write_text("new")
    assert source_of(shop_settings).revision == f"{head}-dirty"
