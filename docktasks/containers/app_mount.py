"""What of the checkout a container sees, and as which user it runs."""

from __future__ import annotations

import os
from pathlib import Path

from docktasks.containers.run_args import csv_line
from docktasks.engine.protocol import Engine
from docktasks.settings import Settings

APP_PATH = "/home/node/app"
"""Where the app is in the container (Dockerfile.dev)."""


def source_args(settings: Settings, *, whole: bool) -> list[str]:
    """The mounts by which a container sees the source, and not the history in .git, whatever a dev server lets through.

    Not `whole`: what is in the app's folder, one by one, where the folder itself cannot get a mount inside of it.
    """
    app = settings.app_dir
    seen = [(app, APP_PATH)] if whole else [(path, f"{APP_PATH}/{path.name}") for path in _entries(app)]
    args = [
        arg
        for path, target in seen
        for arg in (
            "--mount",
            csv_line("type=bind", f"source={path}", f"target={target}", *([] if whole else ["readonly"])),
        )
    ]
    git = app / ".git"
    if whole and git.is_dir():
        args += ["--mount", f"type=tmpfs,target={APP_PATH}/.git"]
    elif whole and git.exists():
        args += ["--mount", f"type=bind,source=/dev/null,target={APP_PATH}/.git,readonly"]
    return args


def _entries(app: Path) -> list[Path]:
    return [
        path for path in sorted(app.iterdir()) if path.name not in (".git", "node_modules") and not path.is_symlink()
    ]


def user_for(engine: Engine, app_dir: Path) -> str:
    """The uid:gid the container runs as, so that whatever it writes into the checkout belongs to the checkout's owner.

    On a rootless engine uid 0 inside is the caller outside.
    """
    if engine.rootless:
        return "0:0"
    owner = app_dir.stat()
    return f"{owner.st_uid}:{owner.st_gid}"


def make_mountpoint(app_dir: Path) -> bool:
    """Make the folder that the volume is mounted over; Docker would make it as root's, inside the checkout.

    False where that may not be: a checkout that is for reading alone.
    """
    modules = app_dir / "node_modules"
    if modules.exists():
        return True
    try:
        modules.mkdir()
        owner = app_dir.stat()
        if owner.st_uid != modules.stat().st_uid:
            os.chown(modules, owner.st_uid, owner.st_gid)
    except OSError:
        return False
    return True
