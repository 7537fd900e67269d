"""What a container sees of the checkout, and the user that it runs as."""

from __future__ import annotations

import os
from pathlib import Path

from docktasks.containers.run_args import csv_line
from docktasks.engine.protocol import Engine
from docktasks.errors import AppError
from docktasks.settings import Settings

APP_PATH = "/home/node/app"
"""Where the app is in the container (Dockerfile.dev)."""


def source_args(settings: Settings) -> list[str]:
    """Return the arguments that mount the app's folder, and hide the git history in it from the dev server."""
    app_dir = settings.app_dir
    args = ["--mount", csv_line("type=bind", f"source={app_dir}", f"target={APP_PATH}")]
    git = app_dir / ".git"
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


def make_mountpoint(app_dir: Path) -> None:
    """Create node_modules, which the volume is mounted over; Docker would create it as root's. Raises AppError."""
    mountpoint = app_dir / "node_modules"
    if mountpoint.exists():
        return
    try:
        mountpoint.mkdir()
        if os.geteuid() == 0:  # only root can give a folder to another user
            owner = app_dir.stat()
            os.chown(mountpoint, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise AppError(
            f"The folder {mountpoint} is missing and cannot be created: {error.strerror}.",
            "The dev container mounts a volume with the app's dependencies over this folder.",
            f"Create it as a user who may write there: mkdir {mountpoint}",
        ) from error


def host_paths(text: str, settings: Settings) -> str:
    """Return a text in which the container's paths of the app's files are the paths on this machine."""
    return text.replace(f"{APP_PATH}/", f"{settings.app_dir}/")
