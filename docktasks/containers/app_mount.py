"""What a container sees of the checkout, and the user that it runs as."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from pathlib import Path

from docktasks.app import workspaces
from docktasks.app.package import App
from docktasks.containers.run_args import mount_args
from docktasks.engine.protocol import Engine
from docktasks.errors import AppError
from docktasks.settings import Settings

APP_PATH = "/home/node/app"
"""Where the app, or its workspace, is in the container (Dockerfile.dev)."""


@dataclass(frozen=True)
class Checkout:
    """What a container sees of the checkout: the folder `root`, which is the app's own or that of its workspace.

    `app` is the app's path in it. `packages` are the paths of what has a folder node_modules: the root's `.`, and then
    that of each package of its workspace.
    """

    root: Path
    app: str = "."
    packages: tuple[str, ...] = (".",)

    @classmethod
    def of(cls, app: App) -> Checkout:
        """Return what a container of this app sees. Raises AppError when a file of its workspace cannot be read."""
        return cls(app.root, app.path_in_root, (".", *workspaces.packages_of(app.root)))

    @property
    def workdir(self) -> str:
        """The app's folder in the container."""
        return posixpath.normpath(f"{APP_PATH}/{self.app}")

    @property
    def modules(self) -> list[str]:
        """The paths of the folders node_modules in the root."""
        return [posixpath.normpath(f"{package}/node_modules") for package in self.packages]


def source_args(root: Path) -> list[str]:
    """Return the arguments that mount the checkout, and hide the git history in it from the dev server."""
    args = mount_args("type=bind", f"source={root}", f"target={APP_PATH}")
    git = root / ".git"
    if git.is_dir():
        args += ["--mount", f"type=tmpfs,target={APP_PATH}/.git"]
    elif git.exists():  # in a worktree or a submodule .git is a file
        args += ["--mount", f"type=bind,source=/dev/null,target={APP_PATH}/.git,readonly"]
    return args


def user_for(engine: Engine, app_dir: Path) -> str:
    """Return the `uid:gid` that gives files to the checkout's owner: root's in a container of a rootless engine."""
    if engine.rootless:
        return "0:0"
    owner = app_dir.stat()
    return f"{owner.st_uid}:{owner.st_gid}"


def give_to_owner(path: Path, folder: Path) -> None:
    """Give a file or folder to the user whose folder this is. Only root can do so; another user keeps it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def make_mountpoints(checkout: Checkout) -> None:
    """Create each node_modules that a volume is mounted over; Docker would create it as root's. Raises AppError."""
    for name in checkout.modules:
        mountpoint = checkout.root / name
        if not mountpoint.exists():
            _make_folder(mountpoint)


def _make_folder(mountpoint: Path) -> None:
    try:
        mountpoint.mkdir()
        give_to_owner(mountpoint, mountpoint.parent)
    except OSError as error:
        raise AppError(
            f"The folder {mountpoint} is missing and cannot be created: {error.strerror}.",
            "The dev container mounts a volume with the app's dependencies over this folder.",
            f"Create it as a user who may write there: mkdir {mountpoint}",
        ) from error


def host_paths(text: str, settings: Settings) -> str:
    """Return a text in which the container's paths of the app's files are the paths on this machine."""
    return text.replace(f"{APP_PATH}/", f"{workspaces.root_of(settings.app_dir)}/")
