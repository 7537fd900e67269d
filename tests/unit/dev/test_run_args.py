from __future__ import annotations

import csv
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from docktasks.containers import app_mount
from docktasks.containers.ports import Bind
from docktasks.dev import run_args
from docktasks.dev.run_args import DevRun
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, configured

LOGGING = "--log-driver json-file --log-opt max-size=10m --log-opt max-file=3"
HARDENED = f"--cap-drop ALL --security-opt no-new-privileges --ipc none --tmpfs /dev/mqueue:ro,size=4k {LOGGING}"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")


def mounts(args: list[str]) -> list[list[str]]:
    """The fields of each --mount."""
    return [next(csv.reader([args[place + 1]])) for place, arg in enumerate(args) if arg == "--mount"]


def test_the_dev_container(settings: Settings) -> None:
    """The command that starts it, word for word: the source mounted, node_modules in a volume over it."""
    app = settings.app_dir
    assert shlex.join(run_args.dev_args(settings, Bind(3000), DevRun("hello-dock-modules-1", "1000:1000", "abc"))) == (
        "docker container run --detach --init --name hello-dock-dev"
        " --label hello-dock.project=hello-dock --label hello-dock.role=dev"
        f" --label hello-dock.working-dir={app}"
        " --publish 127.0.0.1:3000:3000"
        " --env NODE_COMPILE_CACHE=/home/node/app/node_modules/.vite/compiled"
        f" {HARDENED} --user 1000:1000 --env REVISION=abc"
        f" --mount type=bind,source={app},target=/home/node/app"
        " --mount type=volume,source=hello-dock-modules-1,target=/home/node/app/node_modules"
        " hello-dock:dev"
    )


def test_a_tool(settings: Settings) -> None:
    """It runs as the dev server does, with a volume of its own where it is given none, and leaves nothing."""
    given = DevRun("", "1000:1000", command=("npm", "install"))
    assert shlex.join(run_args.tool_args(settings, "hello-dock-dev-npm", given, "/etc/ca.pem", terminal=False)) == (
        "docker container run --rm --init --interactive --name hello-dock-dev-npm"
        " --label hello-dock.project=hello-dock --label hello-dock.role=dev"
        " --mount type=bind,source=/etc/ca.pem,target=/run/secrets/ca,readonly"
        " --env NODE_EXTRA_CA_CERTS=/run/secrets/ca"
        f" {HARDENED} --user 1000:1000 --env REVISION="
        f" --mount type=bind,source={settings.app_dir},target=/home/node/app"
        " --mount type=volume,target=/home/node/app/node_modules hello-dock:dev npm install"
    )
    assert "--tty" in run_args.tool_args(settings, "hello-dock-dev-npm", given, "", terminal=True)
    assert "NODE_EXTRA_CA_CERTS" not in " ".join(
        run_args.tool_args(settings, "hello-dock-dev-npm", given, "", terminal=True)
    )


@pytest.mark.parametrize("name", ["a,readonly", 'a"b', 'a,"b"', "a b", "a=b"])
def test_any_folder_can_be_mounted(settings: Settings, name: str) -> None:
    """--mount reads CSV: a comma or a quote in a name is neither another option nor an error."""
    elsewhere = configured(settings.root, app_dir=f"/srv/{name}")
    args = run_args.dev_args(elsewhere, Bind(0), DevRun("v", "0:0"))
    assert mounts(args)[0] == ["type=bind", f"source=/srv/{name}", "target=/home/node/app"]


def test_the_dev_containers_command_goes_last(settings: Settings) -> None:
    """Where the app has no script `serve`, another one is run."""
    args = run_args.dev_args(settings, Bind(0), DevRun("v", "0:0").runs("npm", "run", "dev"))
    assert args[-4:] == ["hello-dock:dev", "npm", "run", "dev"]


def test_polling_is_a_variable_of_its_own(settings: Settings) -> None:
    """Vite's watcher reads it; without one it listens."""
    assert "CHOKIDAR_USEPOLLING=true" in run_args.dev_args(settings, Bind(0), DevRun("v", "0:0", polling=True))
    assert "CHOKIDAR" not in " ".join(run_args.dev_args(settings, Bind(0), DevRun("v", "0:0")))


@pytest.mark.parametrize("worktree", [True, False])
def test_the_history_stays_outside(settings: Settings, *, worktree: bool) -> None:
    """An app with a repository of its own: nothing of it can be read through the dev server."""
    git = settings.app_dir / ".git"
    git.write_text("gitdir: elsewhere") if worktree else git.mkdir()
    hidden = (
        ["type=bind", "source=/dev/null", "target=/home/node/app/.git", "readonly"]
        if worktree
        else ["type=tmpfs", "target=/home/node/app/.git"]
    )
    assert mounts(run_args.dev_args(settings, Bind(0), DevRun("v", "0:0")))[1] == hidden


def test_a_folder_without_a_mountpoint_is_mounted_in_parts(settings: Settings) -> None:
    """So a checkout for reading alone needs no node_modules; .git and links are left out."""
    app = settings.app_dir
    (app / "src").mkdir()
    (app / ".git").mkdir()
    (app / "link").symlink_to("src")
    args = run_args.dev_args(settings, Bind(0), DevRun("v", "0:0", whole=False))
    names = ("package-lock.json", "package.json", "src")
    assert mounts(args)[:-1] == [
        ["type=bind", f"source={app / name}", f"target=/home/node/app/{name}", "readonly"] for name in names
    ]


def test_the_container_runs_as_the_checkouts_owner(tmp_path: Path) -> None:
    """What it writes into the checkout belongs to whoever owns that; on a rootless engine that is uid 0 inside."""
    engine = FakeEngine()
    owner = tmp_path.stat()
    assert app_mount.user_for(engine, tmp_path) == f"{owner.st_uid}:{owner.st_gid}"
    engine.rootless = True
    assert app_mount.user_for(engine, tmp_path) == "0:0"


@pytest.mark.parametrize("owner", [os.geteuid(), pytest.param(1234, marks=AS_ROOT)])
def test_the_mountpoint_belongs_to_the_apps_owner(tmp_path: Path, owner: int) -> None:
    """Docker would make node_modules in the checkout as root's, and so would root itself."""
    os.chown(tmp_path, owner, -1)
    assert app_mount.make_mountpoint(tmp_path)
    assert (tmp_path / "node_modules").stat().st_uid == owner
    assert app_mount.make_mountpoint(tmp_path)


def test_a_mountpoint_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout for reading alone is no error."""

    def refuse(_path: Path, **_options: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert not app_mount.make_mountpoint(tmp_path)
