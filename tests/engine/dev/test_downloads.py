"""The volume of downloads that all projects of a user share."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

import pytest

from benchmarks.checkout import VITE_VERSION
from docktasks.dev.run_args import DOWNLOADS_PATH, downloads_volume
from tests.support.checkouts import chown_tree, write_app
from tests.support.commands import docker
from tests.support.long_forms import long
from tests.support.project import ProjectFactory
from tests.support.running_task import StartTask

PAGE = '<!doctype html><title>Buoy</title><script type="module" src="/main.js"></script>\n'


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to a user who has no downloads yet")
@pytest.mark.parametrize("manager", ["yarn@1.22.22", long("bun@1.3.3"), long("pnpm@10.12.1"), long("yarn@4.9.2")])
def test_two_projects_install_at_once_from_one_volume(
    new_project: ProjectFactory, start_task: StartTask, tmp_path: Path, manager: str
) -> None:
    """Both serve, also where nothing was downloaded before. `clean` of one keeps what the other installs from."""
    user = 20_000 + secrets.randbelow(20_000)
    volume = downloads_volume(f"{user}:{user}")
    manifest = {"private": True, "packageManager": manager, "scripts": {"dev": "vite"}}
    manifest |= {"dependencies": {"vite": VITE_VERSION}}
    files = {"package.json": json.dumps(manifest), "index.html": PAGE, "main.js": "document.title = 'Buoy'\n"}
    projects = []
    for name in ("one", "two"):
        app = chown_tree(write_app(tmp_path / name, files), (user, user))
        projects.append(new_project(APP_DIR=str(app)))
    tasks = [start_task(project, "dev", "--detach") for project in projects]
    for task, project in zip(tasks, projects, strict=True):
        assert task.wait_for_exit() == 0, task.output
        assert "/@vite/client" in project.get(role="dev").text
    first, second = projects
    assert volume in first.succeeds("status")
    assert volume not in first.succeeds("clean")
    mount = f"type=volume,source={volume},target={DOWNLOADS_PATH}"
    image = second.container("dev").image_id
    user_of_volume = docker("container", "run", "--detach", "--mount", mount, image, "sleep", "600").strip()
    try:
        kept = second.succeeds("clean", "--downloads").splitlines()[-1]
        assert kept == f"Kept, because another container uses it: {second.name}:dev, {volume}"
    finally:
        docker("container", "rm", "--force", user_of_volume)
        removed = second.succeeds("clean", "--downloads").splitlines()[-1]
    assert removed == f"Removed: {second.name}:dev, {volume}"
