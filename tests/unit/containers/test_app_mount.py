from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest

from docktasks.containers import app_mount
from docktasks.errors import AppError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")


def mounts(args: list[str]) -> list[list[str]]:
    """Return the fields of each --mount, as Docker reads them."""
    return [next(csv.reader([args[index + 1]])) for index, arg in enumerate(args) if arg == "--mount"]


@pytest.mark.parametrize("name", ["a,readonly", 'a"b', 'a,"b"', "a b", "a=b"])
def test_source_args_mount_a_folder_of_any_name(settings: Settings, name: str) -> None:
    """--mount reads CSV, so a comma or a quote in a folder's name is quoted."""
    args = app_mount.source_args(configured(settings.root, app_dir=f"/srv/{name}"))
    assert mounts(args) == [["type=bind", f"source=/srv/{name}", "target=/home/node/app"]]


def test_source_args_hide_a_git_repository_in_the_app(settings: Settings) -> None:
    """An empty file system covers the folder .git, so that the dev server cannot give its content away."""
    (settings.app_dir / ".git").mkdir()
    assert mounts(app_mount.source_args(settings))[1:] == [["type=tmpfs", "target=/home/node/app/.git"]]


def test_source_args_hide_the_git_file_of_a_worktree(settings: Settings) -> None:
    """An empty file covers the file .git, which names the folder of the repository."""
    (settings.app_dir / ".git").write_text("gitdir: elsewhere")
    hidden = ["type=bind", "source=/dev/null", "target=/home/node/app/.git", "readonly"]
    assert mounts(app_mount.source_args(settings))[1:] == [hidden]


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
def test_make_mountpoint_gives_the_folder_to_the_owner_of_the_app(tmp_path: Path, owner: int) -> None:
    """A second call changes nothing: node_modules may be the user's own."""
    os.chown(tmp_path, owner, -1)
    app_mount.make_mountpoint(tmp_path)
    folder = tmp_path / "node_modules"
    assert folder.stat().st_uid == owner
    (folder / "vue").mkdir()
    app_mount.make_mountpoint(tmp_path)
    assert (folder / "vue").is_dir()


def test_make_mountpoint_explains_a_read_only_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the folder that is missing, why it is needed, and the command that creates it."""

    def refuse(_path: Path, **_options: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(AppError) as caught:
        app_mount.make_mountpoint(tmp_path)
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
