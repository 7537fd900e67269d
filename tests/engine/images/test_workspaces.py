"""Apps in workspaces: the root is the build context, and packages that no registry has come from the source."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkouts import make_repository, write_app
from tests.support.commands import clean_environ, docker, run_command
from tests.support.long_forms import long
from tests.support.project import ProjectFactory, ProjectUnderTest, new_name

NPM, PNPM, YARN_1, YARN_4, BUN = "npm", "pnpm@10.12.1", "yarn@1.22.22", "yarn@4.9.2", "bun@1.2.20"

LOCK_COMMANDS = {
    NPM: ["npm", "install", "--package-lock-only"],
    PNPM: ["npx", "--yes", PNPM, "install", "--lockfile-only"],
    YARN_4: ["npx", "--yes", "@yarnpkg/cli-dist@4.9.2", "install", "--mode=update-lockfile"],
    BUN: ["npx", "--yes", BUN, "install", "--lockfile-only"],
}
"""How a lock file is written without an installation, which yarn 1 cannot."""

PAGE = """import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ui } from 'SCOPE/ui'
const isarray = createRequire(import.meta.url)('isarray/package.json').version
mkdirSync('dist', { recursive: true })
writeFileSync('dist/index.html', `${ui}, isarray ${isarray}`)
"""
"""The build of the app. Its page says what its sibling exports."""

TOOL = """#!/usr/bin/env node
const { copyFileSync, mkdirSync } = require('node:fs')
mkdirSync('dist', { recursive: true })
copyFileSync('src/index.js', 'dist/index.js')
"""
"""The program with which a sibling is built. It is a sibling, too, and its file is not there before the source is."""


def write_workspace(folder: Path, manager: str, files: Mapping[str, str] | None = None, **fields: object) -> Path:
    """Write a workspace in a repository, and return the folder of its app. `fields` are more of the root's manifest.

    The app needs `ui`, which is source and needs `utils`, which the `tool` builds. An old build of `utils` is there.
    """
    scope = f"@{new_name()}"
    version = "1.0.0" if manager in (NPM, YARN_1) else "workspace:*"

    def package(name: str, *siblings: str, **more: Any) -> str:
        needs = dict.fromkeys((f"{scope}/{sibling}" for sibling in siblings), version) | more.pop("needs", {})
        return json.dumps({"name": f"{scope}/{name}", "version": "1.0.0", "dependencies": needs, **more})

    module: dict[str, Any] = {"type": "module"}
    root: dict[str, object] = {"name": "root", "private": True, "workspaces": ["apps/*", "packages/*"]}
    if manager.startswith("pnpm"):
        del root["workspaces"]
    root |= {"packageManager": manager} if "@" in manager else {}
    contents = {
        "package.json": json.dumps(root | fields),
        ".gitignore": "dist\nnode_modules\n",
        "apps/web/package.json": package(
            "web", "ui", needs={"isarray": "2.0.5"}, scripts={"build": "node page.mjs"}, **module
        ),
        "apps/web/page.mjs": PAGE.replace("SCOPE", scope),
        "packages/ui/package.json": package("ui", "utils", exports="./src/index.js", **module),
        "packages/ui/src/index.js": f"export {{ util as ui }} from '{scope}/utils'",
        "packages/utils/package.json": package(
            "utils", "tool", exports={".": "./dist/index.js"}, scripts={"build": "acme-tool"}, **module
        ),
        "packages/utils/src/index.js": "export const util = 'first'",
        "packages/tool/package.json": package("tool", bin={"acme-tool": "./tool.cjs"}),
        "packages/tool/tool.cjs": TOOL,
    }
    if manager.startswith("pnpm"):
        contents["pnpm-workspace.yaml"] = "packages: ['apps/*', 'packages/*']\n"
    write_app(folder, contents | dict(files or {}))
    (folder / "packages/tool/tool.cjs").chmod(0o755)
    write_lock(folder, manager)
    make_repository(folder)
    write_app(folder, {"packages/utils/dist/index.js": "export const util = 'stale'"})
    return folder / "apps/web"


def write_lock(folder: Path, manager: str) -> None:
    """Write the lock file of a workspace."""
    if manager in LOCK_COMMANDS:
        if manager == YARN_4:
            (folder / "yarn.lock").touch()
        result = run_command(LOCK_COMMANDS[manager], folder, clean_environ() | {"HOME": os.environ["HOME"]})
        assert result.ok, result.tail(30)


def built_page(project: ProjectUnderTest) -> str:
    """The page of the production image."""
    return docker("container", "run", "--rm", "--entrypoint", "cat", project.image, "/srv/site/index.html")


# The workspaces of tests/engine/dev have npm.
@pytest.mark.parametrize("manager", [long(NPM), BUN, long(PNPM), long(YARN_4), long(YARN_1)])
def test_a_workspace_is_installed_and_built_from_its_root(
    new_project: ProjectFactory, tmp_path: Path, manager: str
) -> None:
    """What the lock file says is installed, and nothing that the workspace has is asked of a registry.

    A sibling that has to be built is built before the app, from its source, and by a sibling's program. An edit of it
    arrives, and finds the packages in a layer.
    """
    web = write_workspace(tmp_path / "repo", manager)
    project = new_project(APP_DIR=str(web))
    output = project.succeeds("build-prod")
    assert ("has no lock file" in output) == (manager == YARN_1)
    assert built_page(project) == "first, isarray 2.0.5"
    write_app(tmp_path / "repo", {"packages/utils/src/index.js": "export const util = 'second'"})
    output = project.succeeds("build-prod", BUILDKIT_PROGRESS="plain")
    assert re.search(r"\[dependencies \d/\d\] RUN [^\n]* before-source\n#\d+ CACHED\n", output)
    assert built_page(project) == "second, isarray 2.0.5"


ORCHESTRATORS: dict[str, tuple[dict[str, str], dict[str, object]]] = {
    "turbo": (
        {"turbo.json": json.dumps({"tasks": {"build": {"dependsOn": ["^build"], "outputs": ["dist/**"]}}})},
        {
            "scripts": {"build": "turbo run build"},
            "devDependencies": {"turbo": "^2"},
            "packageManager": "npm@11.6.2",
        },
    ),
    "nx": (
        {"nx.json": json.dumps({"targetDefaults": {"build": {"dependsOn": ["^build"]}}})},
        {"scripts": {"build": "nx run-many -t build"}, "devDependencies": {"nx": "^21"}},
    ),
}
"""The files and the fields of package.json of a repository that turbo or nx builds."""


@pytest.mark.long
@pytest.mark.parametrize("name", ORCHESTRATORS)
def test_a_repository_of_turbo_or_nx_is_built_from_its_root_and_from_the_app(
    new_project: ProjectFactory, tmp_path: Path, name: str
) -> None:
    """The root's own script builds the app, too, when app.dist names the folder."""
    files, fields = ORCHESTRATORS[name]
    web = write_workspace(tmp_path / "repo", NPM, files, **fields)
    for settings in ({"APP_DIR": str(web)}, {"APP_DIR": str(tmp_path / "repo"), "APP_DIST": "apps/web/dist"}):
        project = new_project(None, **settings)
        project.succeeds("build-prod")
        assert built_page(project) == "first, isarray 2.0.5"


@pytest.mark.parametrize("manager", [BUN, long(YARN_4), long(PNPM)])
def test_the_cause_that_the_package_manager_names_is_shown(
    new_project: ProjectFactory, tmp_path: Path, manager: str
) -> None:
    """The package is named in the error, and the manager's own line is its evidence."""
    name = f"@{new_name()}/none"
    package = {"name": "a", "packageManager": manager, "scripts": {"build": "true"}, "dependencies": {name: "1.0.0"}}
    project = new_project(APP_DIR=str(write_app(tmp_path / "app", {"package.json": json.dumps(package)})))
    output = project.fails("build-prod")
    assert f"{manager.partition('@')[0]} cannot get the package {name}." in output
    assert re.search(r"- 404|YN0035|ERR_PNPM_FETCH_404", output.rpartition("cannot get the package")[2])
