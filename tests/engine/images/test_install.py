"""Which packages a build installs, and when: docktasks/images/node/install.sh in the Dockerfile's two steps."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkouts import write_app
from tests.support.commands import docker
from tests.support.long_forms import long
from tests.support.project import ProjectFactory, ProjectUnderTest, new_name

PAGE = """import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
const lines = Object.keys(dependencies).map((name) => `${name}: ${require(name)}`)
if (existsSync('generated.txt')) lines.push(readFileSync('generated.txt', 'utf8'))
mkdirSync('dist', { recursive: true })
writeFileSync('dist/index.html', lines.join('\\n'))
"""
"""The build of the small apps: the page has a line for each dependency, with what its module exports."""

GENERATE = "require('fs').writeFileSync('generated.txt', require('fs').readFileSync('source.txt', 'utf8'))"
"""A script that an installation runs, and that reads the app's source."""

NPM = "npm"
"""The npm of the base image. To install another one takes longer than the rest of a small app's build."""

NAMED_NPM, PNPM, YARN_1, YARN_4 = "npm@11.6.2", "pnpm@10.12.1", "yarn@1.22.22", "yarn@4.9.2"
PNPM_11 = "pnpm@11.28.11"
"""By itself it installs again before it runs a script."""


def write_small_app(folder: Path, manager: str, files: Mapping[str, str] | None = None, **fields: object) -> Path:
    """An app that needs one package of the registry; `fields` are more of its package.json. Its folder.

    No build has seen its package.json before, so that no layer with its packages is in Docker's cache.
    """
    scripts, dependencies = {"build": "node page.mjs"}, {"isarray": "2.0.5"}
    package: dict[str, object] = {
        "name": "mole", "version": "0.1.0", "private": True, "description": new_name(), "scripts": scripts,
        "dependencies": dependencies, **named_manager(manager),
    }  # fmt: skip
    for name, value in fields.items():
        base = package.get(name)
        package[name] = {**base, **value} if isinstance(base, dict) and isinstance(value, dict) else value
    return write_app(folder, {"package.json": json.dumps(package), "page.mjs": PAGE} | dict(files or {}))


def named_manager(manager: str) -> dict[str, str]:
    """The field of package.json that names a version of a package manager. An app without it has the image's npm."""
    return {"packageManager": manager} if "@" in manager else {}


def built_page(project: ProjectUnderTest) -> str:
    """The page of the production image."""
    return docker("container", "run", "--rm", "--entrypoint", "cat", project.image, "/srv/site/index.html")


def takes_packages_from_cache(project: ProjectUnderTest) -> bool:
    """Build, and say whether the layer with the packages was in Docker's cache."""
    output = project.succeeds("build-prod", BUILDKIT_PROGRESS="plain")
    return bool(re.search(r"\[dependencies \d/\d\] RUN [^\n]* before-source\n#\d+ CACHED\n", output))


# The next tests have npm and pnpm 10, others have yarn. Yarn 1 gives up at the first request that fails.
@pytest.mark.parametrize("manager", [long(NPM), long(PNPM), PNPM_11, long(YARN_1), long(YARN_4)])
def test_an_edit_of_the_source_installs_nothing(new_project: ProjectFactory, tmp_path: Path, manager: str) -> None:
    """The layer with the packages stays in Docker's cache until package.json or a lock file changes."""
    app = write_small_app(tmp_path / "app", manager)
    project = new_project(APP_DIR=str(app))
    assert not takes_packages_from_cache(project)
    (app / "page.mjs").write_text(PAGE.replace("lines.join", "['edited', ...lines].join"))
    assert takes_packages_from_cache(project)
    assert built_page(project).startswith("edited\nisarray: ")
    write_small_app(app, manager)
    assert not takes_packages_from_cache(project)


# An npm that the app names. The next test has pnpm and postinstall. Yarn 4 runs no prepare: https://yarnpkg.com/advanced/lifecycle-scripts
@pytest.mark.parametrize(
    ("manager", "script"),
    [(NAMED_NPM, "prepare"), long(NPM, "postinstall"), long(PNPM, "postinstall"), long(YARN_1, "postinstall"),
     long(YARN_4, "postinstall"), long(PNPM, "prepare"), long(PNPM_11, "prepare")],
)  # fmt: skip
def test_the_apps_own_scripts_run_with_its_source(
    new_project: ProjectFactory, tmp_path: Path, manager: str, script: str
) -> None:
    """They run in each build, though the layer with the packages comes from Docker's cache."""
    files = {"scripts/generate.cjs": GENERATE, "source.txt": "first"}
    app = write_small_app(tmp_path / "app", manager, files, scripts={script: "node scripts/generate.cjs"})
    project = new_project(APP_DIR=str(app))
    assert not takes_packages_from_cache(project)
    assert built_page(project).endswith("\nfirst")
    (app / "source.txt").write_text("second")
    assert takes_packages_from_cache(project)
    assert built_page(project).endswith("\nsecond")


@pytest.mark.long  # the test before has such scripts
@pytest.mark.parametrize("manager", [PNPM, long(YARN_4)])
def test_the_apps_own_scripts_run_when_dev_engines_name_the_manager(
    new_project: ProjectFactory, tmp_path: Path, manager: str
) -> None:
    """npm refuses to work in such an app, unless it is forced: https://docs.npmjs.com/cli/configuring-npm/package-json."""
    name, _, version = manager.partition("@")
    files = {"generate.cjs": GENERATE, "source.txt": "read"}
    app = write_small_app(
        tmp_path / "app", manager, files, scripts={"postinstall": "node generate.cjs"},
        devEngines={"packageManager": {"name": name, "version": version, "onFail": "error"}},
    )  # fmt: skip
    project = new_project(APP_DIR=str(app))
    project.succeeds("build-prod")
    assert built_page(project).endswith("\nread")


MEMBER = {
    "member/package.json": json.dumps({
        "name": "member", "version": "1.0.0", "main": "index.cjs", "dependencies": {"isarray": "1.0.0"},
    }),
    "member/index.cjs": "module.exports = 'member with isarray ' + require('isarray/package.json').version",
}  # fmt: skip
"""A package in a folder of the app, which needs another version of a package that the app needs."""

PATCH = """diff --git a/index.js b/index.js
--- a/index.js
+++ b/index.js
@@ -1,5 +1,1 @@
-var toString = {}.toString;
-
-module.exports = Array.isArray || function (arr) {
-  return toString.call(arr) == '[object Array]';
-};
+module.exports = 'patched'
"""


def needing_member(manager: str, version: str, **fields: object) -> tuple[str, Mapping[str, str], dict[str, Any]]:
    """What write_small_app takes for an app that needs MEMBER by this version."""
    return manager, MEMBER, {"dependencies": {"member": version}, **fields}


INSTALLED_WITH_SOURCE: dict[str, tuple[tuple[str, Mapping[str, str], dict[str, Any]], str]] = {
    "npm-workspaces": (needing_member(NPM, "1.0.0", workspaces=["member"]), "member: member with isarray 1.0.0"),
    "npm-file": (needing_member(NPM, "file:member"), "member: member with isarray 1.0.0"),
    "npm-path": (needing_member(NPM, "./member"), "member: member with isarray 1.0.0"),
    "pnpm-file": (needing_member(PNPM, "file:member"), "member: member with isarray 1.0.0"),
    "yarn1-file": (needing_member(YARN_1, "file:./member"), "member: member with isarray 1.0.0"),
    "yarn4-portal": (needing_member(YARN_4, "portal:./member"), "member: member with isarray 1.0.0"),
    "pnpm-patch": (
        (
            PNPM,
            {"patches/isarray.patch": PATCH},
            {"pnpm": {"patchedDependencies": {"isarray": "patches/isarray.patch"}}},
        ),
        "isarray: patched",
    ),
    "preinstall": (
        (NPM, {"generate.cjs": GENERATE, "source.txt": "read"}, {"scripts": {"preinstall": "node generate.cjs"}}),
        "read",
    ),
}
"""Apps, as write_small_app takes them, of whose source an installation needs more; and the last line of their page."""

FURTHER_CASES = {"npm-file", "npm-path", "npm-workspaces", "pnpm-file", "pnpm-patch", "yarn1-file"}
"""These need what yarn4-portal needs: a file in a folder of the app. test_installation.py has a patch for pnpm."""


@pytest.mark.parametrize("case", [long(name) if name in FURTHER_CASES else name for name in INSTALLED_WITH_SOURCE])
def test_an_app_whose_installation_needs_its_source_is_installed_with_it(
    new_project: ProjectFactory, tmp_path: Path, case: str
) -> None:
    """Packages in its folders, patches, and a script that runs before everything else are there in each build."""
    (manager, files, fields), line = INSTALLED_WITH_SOURCE[case]
    app = write_small_app(tmp_path / "app", manager, files, **fields)
    project = new_project(APP_DIR=str(app))
    for edit in ("", "// edited"):
        (app / "page.mjs").write_text(PAGE + edit)
        project.succeeds("build-prod")
        assert built_page(project).splitlines()[-1] == line


def test_an_app_without_dependencies_is_built(new_project: ProjectFactory, tmp_path: Path) -> None:
    """Nothing is installed, and no folder with packages is missing for the steps after that."""
    package = {"name": "bare", "scripts": {"build": "mkdir dist && echo bare >dist/index.html"}}
    project = new_project(APP_DIR=str(write_app(tmp_path / "app", {"package.json": json.dumps(package)})))
    project.succeeds("build-prod")
    assert built_page(project) == "bare"
