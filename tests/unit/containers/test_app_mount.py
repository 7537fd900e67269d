from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest

from docktasks.app.package import App
from docktasks.containers import app_mount
from docktasks.containers.app_mount import Checkout
from docktasks.errors import AppError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app
from tests.unit.fakes.engine import FakeEngine

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")


def mounts(args: list[str]) -> list[list[str]]:
    """Return the fields of each --mount, as Docker reads them."""
    return [next(csv.reader([args[index + 1]])) for index, arg in enumerate(args) if arg == "--mount"]


@pytest.mark.parametrize("name", ["a,readonly", 'a"b', 'a,"b"', "a b", "a=b"])
def test_source_args_mount_a_folder_of_any_name(name: str) -> None:
    """--mount reads CSV, so a comma or a quote in a folder's name is quoted."""
    args = app_mount.source_args(Path(f"/srv/{name}"))
    assert mounts(args) == [["type=bind", f"source=/srv/{name}", "target=/home/node/app"]]


def test_source_args_hide_a_git_repository_in_the_app(settings: Settings) -> None:
    """An empty file system covers the folder .git, so that the dev server cannot give its content away."""
    (settings.app_dir / ".git").mkdir()
    assert mounts(app_mount.source_args(settings.app_dir))[1:] == [["type=tmpfs", "target=/home/node/app/.git"]]


def test_source_args_hide_the_git_file_of_a_worktree(settings: Settings) -> None:
    """An empty file covers the file .git, which names the folder of the repository."""
    (settings.app_dir / ".git").write_text("gitdir: elsewhere")
    hidden = ["type=bind", "source=/dev/null", "target=/home/node/app/.git", "readonly"]
    assert mounts(app_mount.source_args(settings.app_dir))[1:] == [hidden]


def test_user_for_is_the_owner_of_the_checkout(tmp_path: Path) -> None:
    """Files that the container creates in the checkout then belong to the checkout's owner."""
    owner = tmp_path.stat()
    assert app_mount.user_for(FakeEngine(), tmp_path) == f"{owner.st_uid}:{owner.st_gid}"


def test_user_for_a_rootless_engine_is_root(tmp_path: Path) -> None:
    """Root in a container of a rootless engine is the user who started the engine."""
    engine = FakeEngine()
    engine.rootless = True
    assert app_mount.user_for(engine, tmp_path) == "0:0"


@pytest.mark.parametrize("owner", [os.geteuid(), pytest.param(1234, marks=AS_ROOT)])
def test_make_mountpoints_gives_the_folder_to_the_owner_of_the_app(tmp_path: Path, owner: int) -> None:
    """A second call changes nothing: node_modules may be the user's own."""
    os.chown(tmp_path, owner, -1)
    app_mount.make_mountpoints(Checkout(tmp_path))
    folder = tmp_path / "node_modules"
    assert folder.stat().st_uid == owner
    (folder / "vue").mkdir()
    app_mount.make_mountpoints(Checkout(tmp_path))
    assert (folder / "vue").is_dir()


def test_make_mountpoints_explains_a_read_only_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the folder that is missing, why it is needed, and the command that creates it."""

    def refuse(_path: Path, **_options: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(AppError) as caught:
        app_mount.make_mountpoints(Checkout(tmp_path))
    folder = tmp_path / "node_modules"
    assert str(caught.value) == (
        f"The folder {folder} is missing and cannot be created: Read-only file system.\n"
        "The dev container mounts a volume with the app's dependencies over this folder.\n"
        f"Create it as a user who may write there: mkdir {folder}"
    )


def test_host_paths_translates_the_files_of_the_app(settings: Settings) -> None:
    """Other paths of the container have no counterpart in the checkout, so they stay."""
    text = "at /home/node/app/src/App.vue and /usr/lib/node.js"
    assert app_mount.host_paths(text, settings) == f"at {settings.app_dir}/src/App.vue and /usr/lib/node.js"


def test_checkout_of_a_workspace_is_its_root(tmp_path: Path) -> None:
    """Each package has a folder node_modules of its own. The app runs in its own folder."""
    make_app(tmp_path / "shop/apps/web")
    make_app(tmp_path / "shop/packages/ui")
    (tmp_path / "shop/package.json").write_text('{"workspaces": ["apps/*", "packages/*"]}')
    checkout = Checkout.of(App.load(configured(tmp_path, app_dir="shop/apps/web")))
    assert (checkout.root, checkout.workdir) == (tmp_path / "shop", "/home/node/app/apps/web")
    assert checkout.modules == ["node_modules", "apps/web/node_modules", "packages/ui/node_modules"]
    app_mount.make_mountpoints(checkout)
    assert all((tmp_path / "shop" / name).is_dir() for name in checkout.modules)
