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

from benchmarks.checkout import VITE_VERSION
from docktasks.waiting import Probe, wait_until
from tests.support.checkouts import OTHER_OWNER, chown_tree, copy_checkout, write_app
from tests.support.commands import docker
from tests.support.long_forms import long
from tests.support.project import ProjectFactory, ProjectUnderTest
from tests.support.running_task import DEV_READY, StartTask

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts, and gives files to another user")
FILES = {
    "package.json": '{"name": "pier", "private": true, "type": "module", "scripts": {"dev": "vite"},'
    f' "devDependencies": {{"vite": "^{VITE_VERSION}"}}}}',
    "index.html": '<!doctype html><title>Pier</title><script type="module" src="/src/main.js"></script>\n',
    "src/main.js": "document.title = 'Pier'\n",
}


@pytest.fixture
def pier(tmp_path: Path) -> Path:
    """A small app."""
    return write_app(tmp_path / "pier", FILES)


def run_checked(*args: str | Path) -> None:
    """Run a command, which must succeed."""
    process = subprocess.run(args, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


@pytest.fixture
def app_on_fuse(pier: Path, tmp_path: Path) -> Iterator[Path]:
    """The app on a file system that reports no change that is made underneath it."""
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("only root mounts, and the kernel must have FUSE")
    if not shutil.which("bindfs"):
        if os.environ.get("CI"):
            run_checked("apt-get", "install", "--yes", "--quiet", "bindfs")
        else:
            pytest.skip("bindfs is not installed: apt-get install bindfs")
    point = tmp_path / "fuse"
    point.mkdir()
    run_checked("bindfs", pier, point)
    yield point
    run_checked("umount", "--lazy", point)


@pytest.fixture
def app_on_share(app_on_fuse: Path) -> Iterator[Path]:
    """The app on two such file systems, as on a share. The engine gets no event of a change made with BEHIND_SHARE."""
    run_checked("bindfs", app_on_fuse, app_on_fuse)
    yield app_on_fuse
    run_checked("umount", "--lazy", app_on_fuse)


BEHIND_SHARE = ("unshare", "--mount", "sh", "-c", 'umount --lazy "$0" && exec "$@"')
"""Runs a command on the user's side of the share, as with Docker Desktop. The mount and the command come after it."""

NO_WATCHES_LEFT = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["inotify_add_watch"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSPC}],
}
"""A seccomp profile with which the kernel refuses each watch, as it does when all are used up."""


def test_dev_serves_and_warns_once_when_watches_are_used_up(
    new_project: ProjectFactory, start_task: StartTask, pier: Path, tmp_path: Path
) -> None:
    """dev keeps serving when the kernel refuses Vite each watch, and prints one line about it."""
    (tmp_path / "seccomp").write_text(json.dumps(NO_WATCHES_LEFT))
    wrapper = tmp_path / "bin/docker"
    wrapper.parent.mkdir()
    wrapper.write_text(
        '#!/bin/sh\ncase "$*" in "container run --detach --init"*)\n'
        f'    shift 2; set -- container run --security-opt "seccomp={tmp_path}/seccomp" "$@"\n'
        f'esac\nexec {shutil.which("docker")} "$@"\n'
    )
    wrapper.chmod(0o755)
    project = new_project(APP_DIR=str(pier))
    task = start_task(project, "dev", PATH=f"{wrapper.parent}:{os.environ['PATH']}")
    task.wait_for("! This user's inotify watches are used up")
    task.wait_for(DEV_READY)
    assert project.get(role="dev").status_code == 200
    assert task.output.count("fs.inotify.max_user_watches=") == 1
    assert "file watcher error" not in task.output
    project.succeeds("stop")


@pytest.fixture
def read_only_app(pier: Path, tmp_path: Path) -> Iterator[Path]:
    """The app on a read-only mount."""
    with read_only_mount(pier, tmp_path / "read-only") as point:
        yield point


@contextmanager
def read_only_mount(folder: Path, point: Path) -> Iterator[Path]:
    """Mount a folder read-only at another path."""
    point.mkdir()
    run_checked("mount", "--bind", folder, point)
    run_checked("mount", "-o", "remount,bind,ro", point)
    try:
        yield point
    finally:
        run_checked("umount", "--lazy", point)


def assert_edit_is_served(project: ProjectUnderTest, source: Path, text: str) -> None:
    """Edit a module, and fetch it until the edit is served."""
    source.write_text(f"document.title = '{text}'\n")

    def look() -> Probe:
        served = project.get("/src/main.js", "dev").text
        return Probe(text in served, served[:200])

    probe = wait_until(look, limit=60)
    assert probe.ready, probe.status


def test_dev_polls_on_a_share_without_file_events(new_project: ProjectFactory, pier: Path, app_on_share: Path) -> None:
    """On a share dev turns polling on, says so, and serves an edit of the user."""
    project = new_project(APP_DIR=str(app_on_share))
    output = project.with_prefix(*BEHIND_SHARE, str(app_on_share)).succeeds("dev", "--detach")
    assert re.search(r"! File change events do not reach the container \(the checkout is on fuse", output)
    assert "CHOKIDAR_USEPOLLING=true" in project.inspect("dev")["Config"]["Env"]
    assert "Pier" in project.get("/src/main.js", "dev").text
    assert_edit_is_served(project, pier / "src/main.js", "Ebb")
    assert sorted(path.name for path in pier.iterdir()) == ["index.html", "node_modules", "package.json", "src"]


@pytest.mark.long  # two tests have a file system with a probe and one without
def test_dev_does_not_poll_where_the_probe_sees_events(new_project: ProjectFactory, app_on_fuse: Path) -> None:
    """On a file system that might lose events and does not, dev does not poll and serves an edit."""
    project = new_project(APP_DIR=str(app_on_fuse))
    output = project.succeeds("dev", "--detach")
    assert f"{project.name}-dev-events" in output
    assert "File change events" not in output
    assert "CHOKIDAR_USEPOLLING=true" not in project.inspect("dev")["Config"]["Env"]
    assert_edit_is_served(project, app_on_fuse / "src/main.js", "Ebb")


def test_dev_in_a_repository_on_a_local_disk(new_project: ProjectFactory, pier: Path) -> None:
    """On a file system of the kernel dev neither probes nor polls, and serves an edit.

    .git is not in the container, so no request can get around the rules of the dev server and read the history.
    """
    subprocess.run(["git", "init", "--quiet", pier], check=True)
    project = new_project(APP_DIR=str(pier))
    output = project.succeeds("dev", "--detach")
    assert "File change events" not in output
    assert "dev-events" not in output
    assert "CHOKIDAR_USEPOLLING=true" not in project.inspect("dev")["Config"]["Env"]
    assert_edit_is_served(project, pier / "src/main.js", "Flood")
    assert docker("container", "exec", f"{project.name}-dev", "ls", "-A", "/home/node/app/.git") == ""
    assert "[core]" not in project.get("/@fs/home/node/app/.git/config?raw??", "dev").text


@AS_ROOT
def test_dev_serves_a_read_only_app(new_project: ProjectFactory, pier: Path, read_only_app: Path) -> None:
    """dev serves an app with a folder node_modules, and edits made elsewhere. It writes nothing into the app."""
    (pier / "node_modules").mkdir()
    project = new_project(APP_DIR=str(read_only_app))
    project.succeeds("dev", "--detach")
    assert "Pier" in project.get("/src/main.js", "dev").text
    assert_edit_is_served(project, pier / "src/main.js", "Neap")
    assert {str(path.relative_to(pier)) for path in pier.rglob("*") if path.is_file()} == set(FILES)


@AS_ROOT
def test_dev_refuses_a_read_only_app_without_node_modules(new_project: ProjectFactory, read_only_app: Path) -> None:
    """The error names the missing folder and the command that creates it. Nothing is built or started."""
    project = new_project(APP_DIR=str(read_only_app))
    output = project.fails("dev", "--detach")
    assert f"The folder {read_only_app}/node_modules is missing and cannot be created: Read-only file system." in output
    assert f"mkdir {read_only_app}/node_modules" in output
    assert "docker image build" not in output
    assert project.container_names() == []


@pytest.fixture
def read_only_checkout(tmp_path: Path) -> Iterator[Path]:
    """A read-only checkout with the folder on which the dev container mounts its volume."""
    checkout = copy_checkout(tmp_path / "checkout")
    (checkout / "hello-dock/node_modules").mkdir()
    with read_only_mount(checkout, tmp_path / "whole") as point:
        yield point


@AS_ROOT
@pytest.mark.parametrize("side", [long("inside"), "outside"])
def test_dev_and_build_prod_work_in_a_read_only_checkout(
    read_only_checkout: Path, pier: Path, new_project: ProjectFactory, side: str
) -> None:
    """dev serves and build-prod builds an app inside and outside of the checkout, and write nothing into it."""
    package = json.loads((pier / "package.json").read_text())
    package["scripts"]["build"] = "vite build"
    (pier / "package.json").write_text(json.dumps(package))
    project = new_project(read_only_checkout, APP_DIR="hello-dock" if side == "inside" else str(pier))
    project.succeeds("dev", "--detach")
    assert ("createApp" if side == "inside" else "Pier") in project.get("/src/main.js", "dev").text
    project.succeeds("build-prod")
    assert project.engine.image(project.image) is not None
    assert not (read_only_checkout / ".cache").exists()


@AS_ROOT
def test_files_of_a_development_session_belong_to_the_owner(new_project: ProjectFactory, pier: Path) -> None:
    """After dev, an installation and a build, all files of the app belong to the owner of the checkout."""
    project = new_project(APP_DIR=str(chown_tree(pier)))
    project.succeeds("dev", "--detach")
    project.succeeds("npm", "--", "install", "nanoid@5")
    docker("container", "exec", f"{project.name}-dev", "sh", "-c", "npx vite build --logLevel=silent && echo x >new")
    assert_edit_is_served(project, pier / "src/main.js", "Spring")
    project.succeeds("stop")
    owners = {str(path.relative_to(pier)): path.lstat() for path in (pier, *pier.rglob("*"))}
    assert {"new", "package-lock.json", "dist/index.html", "node_modules"} < owners.keys()
    others = {name for name, stat in owners.items() if (stat.st_uid, stat.st_gid) != OTHER_OWNER}
    assert others == set()
    assert list((pier / "node_modules").iterdir()) == []


def test_editor_link_is_printed_with_the_path_in_the_checkout(
    new_project: ProjectFactory, start_task: StartTask, pier: Path
) -> None:
    """A link on Vite's error page names a file of the container. dev prints its path on this machine."""
    project = new_project(APP_DIR=str(pier))
    task = start_task(project, "dev")
    task.wait_for(DEV_READY)
    params = {"file": "/home/node/app/src/main.js:1:5"}
    response = httpx.get(f"{project.container('dev').url}/__open-in-editor", params=params, trust_env=False)
    assert response.status_code == 200
    task.wait_for(f"Wanted in the editor: {pier}/src/main.js:1:5\n")
    project.succeeds("stop")
    assert task.wait_for_exit(60) == 0


def test_source_maps_name_files_of_the_checkout(new_project: ProjectFactory, app: Path) -> None:
    """A debugger shows the component as written, because its source map names the file next to the module's address."""
    project = new_project(APP_DIR=str(app))
    project.succeeds("dev", "--detach")
    served = project.get("/src/components/BrandMark.vue", "dev").text
    source_map = re.search(r"sourceMappingURL=data:application/json;base64,([\w+/=]+)", served)
    assert source_map is not None
    (source,) = set(json.loads(base64.b64decode(source_map.group(1)))["sources"])
    assert (app / "src/components" / source).read_text() == (app / "src/components/BrandMark.vue").read_text()
