"""A lock file that does not fit is made again by `invoke npm`, on a machine without npm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.checkouts import write_app
from tests.support.long_forms import long
from tests.support.project import ProjectFactory, new_name

LOCK_FILES = {
    "stale": json.dumps({"name": "buoy", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "buoy"}}}),
    "unreadable": "<<<<<<< ours\n",
    "missing": "",
}
SERVER = "require('http').createServer((_, answer) => answer.end(typeof require('isarray'))).listen(3000)"
SCRIPTS = {
    "dev": "node serve.cjs",
    "test": "node --print \"require('isarray')\"",
    "build": "mkdir dist && echo built >dist/index.html",
}


@pytest.mark.parametrize(
    ("fault", "task"),
    [
        ("missing", ("dev", "--detach")),
        long("stale", ("build-prod",)),
        long("stale", ("dev", "--detach")),
        long("unreadable", ("dev", "--detach")),
        long("stale", ("test",)),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_lock_file_is_made_where_none_fits(
    new_project: ProjectFactory, tmp_path: Path, fault: str, task: tuple[str, ...]
) -> None:
    """The error names the task, which needs no image with the app's packages. After it the task that failed works."""
    package = {"name": "buoy", "description": new_name(), "scripts": SCRIPTS, "dependencies": {"isarray": "2.0.5"}}
    app = write_app(tmp_path / "app", {"package.json": json.dumps(package), "serve.cjs": SERVER})
    lock = app / "package-lock.json"
    if LOCK_FILES[fault]:
        lock.write_text(LOCK_FILES[fault])
    project = new_project(APP_DIR=str(app))
    if fault != "missing":
        assert "invoke npm -- install" in project.fails(*task)
    project.succeeds("npm", "--", "install")
    assert "node_modules/isarray" in json.loads(lock.read_text())["packages"]
    project.succeeds(*task)
    if task[0] == "dev":
        assert project.get(role="dev").text == "function"


@pytest.mark.long  # test_matrix.py has another manager
def test_another_package_manager_needs_no_new_image_of_the_app(new_project: ProjectFactory, tmp_path: Path) -> None:
    """package.json names a manager that the dev image does not have."""
    package = {"name": "buoy", "description": new_name(), "scripts": SCRIPTS, "dependencies": {"isarray": "2.0.5"}}
    app = write_app(tmp_path / "app", {"package.json": json.dumps(package), "serve.cjs": SERVER})
    project = new_project(APP_DIR=str(app))
    project.succeeds("dev", "--detach")
    project.succeeds("stop")
    (app / "package.json").write_text(json.dumps(package | {"packageManager": "pnpm@10.12.1"}))
    project.succeeds("npm", "--", "install")
    assert "isarray@2.0.5" in (app / "pnpm-lock.yaml").read_text()
    project.succeeds("dev", "--detach")
    assert project.get(role="dev").text == "function"
