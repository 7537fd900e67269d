from __future__ import annotations

import base64
import errno
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from docktasks.waiting import Probe, wait_until
from tests.conftest import NewProject, Start
from tests.engine.apps import OWNER, copy_checkout, own, write_app
from tests.engine.support import Project, docker

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts, and gives files to another user")
FILES = {
    "package.json": '{"name": "pier", "private": true, "type": "module", "scripts": {"dev": "vite"},'
    ' "devDependencies": {"vite": "^8.0.16"}}',
    "index.html": '<!doctype html><title>Pier</title><script type="module" src="/src/main.js"></script>\n',
    "src/main.js": "document.title = 'Pier'\n",
}


@pytest.fixture
def pier(tmp_path: Path) -> Path:
    """A small app of somebody else's."""
    return write_app(tmp_path / "pier", FILES)


def mounted(*args: str | Path) -> None:
    """Mount something; it must succeed."""
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def over_fuse(pier: Path, tmp_path: Path) -> Iterator[Path]:
    """The app, seen through a file system that tells of no change made underneath it."""
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("only root mounts, and the kernel must have FUSE")
    if not shutil.which("bindfs"):
        if os.environ.get("CI"):
            mounted("apt-get", "install", "--yes", "--quiet", "bindfs")
        else:
            pytest.skip("bindfs is not installed: apt-get install bindfs")
    point = tmp_path / "fuse"
    point.mkdir()
    mounted("bindfs", pier, point)
    yield point
    mounted("umount", "--lazy", point)


@pytest.fixture
def shared(over_fuse: Path) -> Iterator[Path]:
    """The same behind another one: what the engine sees of it is told of no change that is made in BEFORE it."""
    mounted("bindfs", over_fuse, over_fuse)
    yield over_fuse
    mounted("umount", "--lazy", over_fuse)


BEFORE = ("unshare", "--mount", "sh", "-c", 'umount --lazy "$0" && exec "$@"')
"""Runs a command on this side of the share, where a user of Docker Desktop is: the mount and a command go behind it."""


LOW = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /proc/sys/fs/inotify/max_user_watches && exec "$@"')
"""Runs a command where the kernel's limit reads as a file does: to lower it would lower it for the whole machine."""


@AS_ROOT
def test_a_limit_that_is_too_low_is_told_before(new_project: NewProject, pier: Path, tmp_path: Path) -> None:
    """With the command that raises it; nothing is started, and no volume made."""
    (tmp_path / "limit").write_text("1028\n")
    project = new_project(APP_DIR=str(pier)).under(*LOW, str(tmp_path / "limit"))
    output = project.fails("dev", "--detach")
    assert "The limit is 1,028. The app has more than 4 files and folders." in output
    assert "sudo sysctl fs.inotify.max_user_watches=" in output
    assert project.names() == []
    (tmp_path / "limit").write_text("1040\n")
    project.does("dev", "--detach")


SECCOMP = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["inotify_add_watch"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSPC}],
}


def test_a_limit_that_others_have_used_up_is_told(
    new_project: NewProject, start: Start, pier: Path, tmp_path: Path
) -> None:
    """The kernel refuses Vite each watch, as it does when they are used up: it serves on, and one line says it all."""
    (tmp_path / "seccomp").write_text(json.dumps(SECCOMP))
    before = tmp_path / "bin/docker"
    before.parent.mkdir()
    before.write_text(
        '#!/bin/sh\ncase "$*" in "container run --detach --init"*)\n'
        f'    shift 2; set -- container run --security-opt "seccomp={tmp_path}/seccomp" "$@"\n'
        f'esac\nexec {shutil.which("docker")} "$@"\n'
    )
    before.chmod(0o755)
    project = new_project(APP_DIR=str(pier))
    task = start(project, "dev", PATH=f"{before.parent}:{os.environ['PATH']}")
    task.until("! This user's inotify watches are used up")
    task.until("Ctrl-C stops it.")
    assert project.page(role="dev").status_code == 200
    assert task.output.count("fs.inotify.max_user_watches=") == 1
    assert "file watcher error" not in task.output
    project.does("stop")


@pytest.fixture
def read_only(pier: Path, tmp_path: Path) -> Iterator[Path]:
    """The app, where nobody may write."""
    with for_reading(pier, tmp_path / "read-only") as point:
        yield point


@contextmanager
def for_reading(folder: Path, point: Path) -> Iterator[Path]:
    """A folder, mounted where nobody may write."""
    point.mkdir()
    mounted("mount", "--bind", folder, point)
    mounted("mount", "-o", "remount,bind,ro", point)
    try:
        yield point
    finally:
        mounted("umount", "--lazy", point)


def arrives(project: Project, source: Path, text: str) -> None:
    """Edit a module, and fetch it until the edit is served."""
    source.write_text(f"document.title = '{text}'\n")

    def look() -> Probe:
        served = project.page("/src/main.js", "dev").text
        return Probe(text in served, served[:200])

    looked = wait_until(look, limit=10)
    assert looked.ready, looked.status


def test_changes_are_looked_for_where_no_event_arrives(new_project: NewProject, pier: Path, shared: Path) -> None:
    """On a share the probe is not heard: polling is turned on, said, and an edit on this side is served."""
    project = new_project(APP_DIR=str(shared))
    output = project.under(*BEFORE, str(shared)).does("dev", "--detach")
    assert re.search(r"! File change events do not reach the container \(the checkout is on fuse", output)
    assert "CHOKIDAR_USEPOLLING=true" in project.inspect("dev")["Config"]["Env"]
    assert "Pier" in project.page("/src/main.js", "dev").text
    arrives(project, pier / "src/main.js", "Ebb")
    assert sorted(path.name for path in pier.iterdir()) == ["index.html", "node_modules", "package.json", "src"]


def test_the_probe_decides(new_project: NewProject, over_fuse: Path) -> None:
    """A file system that might lose events does not: nothing is looked for, and an edit is served."""
    project = new_project(APP_DIR=str(over_fuse))
    output = project.does("dev", "--detach")
    assert f"{project.name}-dev-events" in output
    assert "File change events" not in output
    assert "CHOKIDAR_USEPOLLING=true" not in project.inspect("dev")["Config"]["Env"]
    arrives(project, over_fuse / "src/main.js", "Ebb")


def test_nothing_is_looked_for_where_events_arrive(new_project: NewProject, pier: Path) -> None:
    """And nothing is tried: on a file system of the kernel they do."""
    project = new_project(APP_DIR=str(pier))
    output = project.does("dev", "--detach")
    assert "File change events" not in output
    assert "dev-events" not in output
    assert "CHOKIDAR_USEPOLLING=true" not in project.inspect("dev")["Config"]["Env"]
    arrives(project, pier / "src/main.js", "Flood")


@AS_ROOT
def test_read_only_checkout_is_served(new_project: NewProject, pier: Path, read_only: Path) -> None:
    """With a folder node_modules it is served, edits made elsewhere arrive, and nothing is written into it."""
    (pier / "node_modules").mkdir()
    project = new_project(APP_DIR=str(read_only))
    project.does("dev", "--detach")
    assert "Pier" in project.page("/src/main.js", "dev").text
    arrives(project, pier / "src/main.js", "Neap")
    assert {str(path.relative_to(pier)) for path in pier.rglob("*") if path.is_file()} == set(FILES)


@AS_ROOT
def test_read_only_checkout_without_a_mountpoint_is_an_error(new_project: NewProject, read_only: Path) -> None:
    """The error names the folder that is missing and the command that creates it; nothing is built or started."""
    project = new_project(APP_DIR=str(read_only))
    output = project.fails("dev", "--detach")
    assert f"The folder {read_only}/node_modules is missing and cannot be created: Read-only file system." in output
    assert f"mkdir {read_only}/node_modules" in output
    assert "docker image build" not in output
    assert project.names() == []


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Path]:
    """A checkout where nobody may write, with the folder over which the dev container mounts its volume."""
    checkout = copy_checkout(tmp_path / "checkout")
    (checkout / "hello-dock/node_modules").mkdir()
    with for_reading(checkout, tmp_path / "whole") as point:
        yield point


@AS_ROOT
@pytest.mark.parametrize("where", ["in it", "elsewhere"])
def test_a_whole_checkout_for_reading_alone(whole: Path, pier: Path, new_project: NewProject, where: str) -> None:
    """dev serves, and build-prod builds, the app in it and one elsewhere: what they have to keep is not in it."""
    package = json.loads((pier / "package.json").read_text())
    package["scripts"]["build"] = "vite build"
    (pier / "package.json").write_text(json.dumps(package))
    project = new_project(whole, APP_DIR="hello-dock" if where == "in it" else str(pier))
    project.does("dev", "--detach")
    assert ("createApp" if where == "in it" else "Pier") in project.page("/src/main.js", "dev").text
    project.does("build-prod")
    assert project.engine.image(project.image) is not None
    assert not (whole / ".cache").exists()


@AS_ROOT
def test_a_full_round_leaves_no_file_of_another(new_project: NewProject, pier: Path) -> None:
    """dev, an install, tests, a crash: whatever is in the checkout afterwards belongs to its owner."""
    project = new_project(APP_DIR=str(own(pier)))
    project.does("dev", "--detach")
    project.does("npm", "--", "install", "nanoid@5")
    docker("container", "exec", f"{project.name}-dev", "sh", "-c", "npx vite build --logLevel=silent && echo x >new")
    arrives(project, pier / "src/main.js", "Spring")
    project.does("stop")
    owners = {str(path.relative_to(pier)): path.lstat() for path in (pier, *pier.rglob("*"))}
    assert {"new", "package-lock.json", "dist/index.html", "node_modules"} < owners.keys()
    others = {name for name, stat in owners.items() if (stat.st_uid, stat.st_gid) != OWNER}
    assert others == set()
    assert list((pier / "node_modules").iterdir()) == []


def test_the_history_cannot_be_read(new_project: NewProject, pier: Path) -> None:
    """.git is not in the container, so no way around the dev server's own rules leads to it."""
    subprocess.run(["git", "init", "--quiet", pier], check=True)
    project = new_project(APP_DIR=str(pier))
    project.does("dev", "--detach")
    assert docker("container", "exec", f"{project.name}-dev", "ls", "-A", "/home/node/app/.git") == ""
    assert "[core]" not in project.page("/@fs/home/node/app/.git/config?raw??", "dev").text


def test_file_wanted_in_the_editor_is_shown_with_the_checkouts_path(
    new_project: NewProject, start: Start, pier: Path
) -> None:
    """A link on Vite's error page asks for a file of the container; the log names it on this machine."""
    project = new_project(APP_DIR=str(pier))
    task = start(project, "dev")
    task.until("Ctrl-C stops it.")
    params = {"file": "/home/node/app/src/main.js:1:5"}
    answer = httpx.get(f"{project.container('dev').url}/__open-in-editor", params=params, trust_env=False)
    assert answer.status_code == 200
    task.until(f"Wanted in the editor: {pier}/src/main.js:1:5\n")
    project.does("stop")
    assert task.process.wait(10) == 0


def test_source_maps_name_files_of_the_checkout(new_project: NewProject, app: Path) -> None:
    """A debugger shows the component as it was written: the map's source is the file beside the module's address."""
    project = new_project(APP_DIR=str(app))
    project.does("dev", "--detach")
    served = project.page("/src/components/BrandMark.vue", "dev").text
    found = re.search(r"sourceMappingURL=data:application/json;base64,([\w+/=]+)", served)
    assert found is not None
    (source,) = set(json.loads(base64.b64decode(found.group(1)))["sources"])
    assert (app / "src/components" / source).read_text() == (app / "src/components/BrandMark.vue").read_text()
