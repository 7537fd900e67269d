"""`invoke dev` for an app that is a package of a workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.checkout import VITE_VERSION
from tests.support.checkouts import OTHER_OWNER, chown_tree, write_app
from tests.support.long_forms import long
from tests.support.project import ProjectFactory
from tests.support.served import served

FILES = {
    "package.json": {"name": "fleet", "private": True, "workspaces": ["apps/*", "packages/*"]},
    "packages/hull/package.json": {
        "name": "@fleet-5f2c/hull", "version": "1.0.0", "type": "module", "exports": "./index.js", "private": True,
    },
    "apps/web/package.json": {
        "name": "web", "version": "0.1.0", "private": True, "type": "module",
        "scripts": {"dev": "vite", "test": "node --test"},
        "dependencies": {"@fleet-5f2c/hull": "1.0.0"}, "devDependencies": {"vite": VITE_VERSION},
    },
}  # fmt: skip
SOURCES = {
    "packages/hull/index.js": "export const planks = 'oak'\n",
    "apps/web/index.html": '<!doctype html><title>Fleet</title><script type="module" src="/src/main.js"></script>\n',
    "apps/web/src/main.js": "import { planks } from '@fleet-5f2c/hull'\ndocument.title = planks\n",
    "apps/web/hull.test.js": "import test from 'node:test'\nimport '@fleet-5f2c/hull'\ntest('floats', () => {})\n",
}


def write_workspace(root: Path, manager: str) -> Path:
    """Write a workspace with an app and a sibling that no registry has. Returns the app's folder."""
    name = manager.partition("@")[0]
    manifests = json.loads(json.dumps(FILES))
    manifests["package.json"]["packageManager"] = manager
    files = dict(SOURCES)
    if not manager.startswith(("npm@", "yarn@1")):
        manifests["apps/web/package.json"]["dependencies"]["@fleet-5f2c/hull"] = "workspace:*"
    if name == "pnpm":
        del manifests["package.json"]["workspaces"]
        files["pnpm-workspace.yaml"] = "packages:\n  - apps/*\n  - packages/*\n"
    files |= {path: json.dumps(manifest) for path, manifest in manifests.items()}
    return chown_tree(write_app(root, files)) / "apps/web"


@pytest.mark.parametrize(
    "manager", ["npm@11.6.0", *map(long, ("pnpm@10.12.1", "yarn@4.9.2", "yarn@1.22.22", "bun@1.3.3"))]
)
def test_dev_serves_a_package_of_a_workspace(new_project: ProjectFactory, tmp_path: Path, manager: str) -> None:
    """The lock file at the root is used, and an edit of the sibling arrives. The app's tests find the sibling, too."""
    root = tmp_path / "fleet"
    project = new_project(APP_DIR=str(write_workspace(root, manager)))
    project.succeeds("npm", "--", "install")
    assert not list((root / "apps/web").glob("*lock*"))
    project.succeeds("dev", "--detach")
    served(project, "/src/main.js", "/@fs/home/node/app/packages/hull/index.js")
    served(project, "/@fs/home/node/app/packages/hull/index.js", "oak")
    (root / "packages/hull/index.js").write_text("export const planks = 'larch'\n")
    served(project, "/@fs/home/node/app/packages/hull/index.js", "larch")
    assert len(project.node_modules_volumes()) == 3
    assert "floats" in project.succeeds("test")
    owners = {path: path.lstat() for path in root.rglob("*")}
    assert {path for path, stat in owners.items() if (stat.st_uid, stat.st_gid) != OTHER_OWNER} == set()
    assert all(not list(path.iterdir()) for path in owners if path.name == "node_modules")
