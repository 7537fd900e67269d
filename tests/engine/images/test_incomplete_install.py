"""An installation that lacks a package for this machine fails, and is not kept: docktasks/images/node/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.images.test_install import NPM, PNPM, YARN_1, YARN_4, built_page, write_small_app
from tests.support.long_forms import long
from tests.support.project import ProjectFactory
from tests.support.registry import VERSION, Registry, running_registry

SERVER = """import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
const name = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).dependencies).at(-1)
const part = createRequire(import.meta.url)(name)
const [host, port] = ['--host', '--port'].map((option) => process.argv[process.argv.indexOf(option) + 1])
createServer((_, answer) => answer.end(`the native part is ${part}`)).listen(port, host)
"""


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry of the test's own."""
    with running_registry() as registry:
        yield registry


def write_native_app(folder: Path, manager: str, registry: Registry, npmrc: str = "", **fields: Any) -> Path:
    """Write an app that takes its packages from the registry, and return its folder."""
    files = {".npmrc": f"registry={registry.url}\nfetch-retries=0\n{npmrc}", "serve.mjs": SERVER}
    if manager == YARN_4:
        settings = {"npmRegistryServer": registry.url, "unsafeHttpWhitelist": [registry.host.partition(":")[0]]}
        files[".yarnrc.yml"] = json.dumps(settings | {"httpRetry": 0})
    return write_small_app(folder, manager, files, scripts={"dev": "node serve.mjs"}, **fields)


@pytest.mark.parametrize(
    ("manager", "task"),
    [(NPM, "build-prod"), long(PNPM, "dev"), long(PNPM, "build-prod"), long(YARN_1, "build-prod"),
     long(YARN_4, "build-prod"), long(NPM, "dev")],
)  # fmt: skip
def test_a_native_part_that_does_not_arrive_fails_one_installation(
    new_project: ProjectFactory, tmp_path: Path, registry: Registry, manager: str, task: str
) -> None:
    """The next one installs it, without --no-cache. Both versions of yarn have an error of their own."""
    bundler, parts = registry.add_native()
    app = write_native_app(tmp_path / "app", manager, registry, dependencies={bundler: VERSION})
    project = new_project(APP_DIR=str(app))
    project.succeeds("npm", "--", "install")
    registry.failing.update(parts)
    command = (task, "--detach") if task == "dev" else (task,)
    output = project.fails(*command)
    assert "Start it again" in output
    if manager in (NPM, PNPM):
        assert f"did not install {bundler}-linux-" in output
    registry.failing.clear()
    project.succeeds(*command)
    if task == "dev":
        assert project.get(role="dev").text == "the native part is true"
    else:
        assert f"{bundler}: true" in built_page(project)


@pytest.mark.long  # the test before has a package that is missing
@pytest.mark.parametrize("manager", [NPM, long(YARN_1)])
def test_an_optional_package_whose_script_fails_is_no_fault(
    new_project: ProjectFactory, tmp_path: Path, registry: Registry, manager: str
) -> None:
    """Its own script decides that the package is not for this machine, as node-gyp does without a compiler."""
    gyp = registry.add(scripts={"install": "exit 1"})
    foreign = [registry.add(os=["darwin"]), registry.add(engines={"node": "^8"}, os=["linux"])]
    app = write_native_app(
        tmp_path / "app", manager, registry, "engine-strict=true\n",
        dependencies={"isarray": "2.0.5"}, optionalDependencies=dict.fromkeys([gyp, *foreign], VERSION),
    )  # fmt: skip
    project = new_project(APP_DIR=str(app))
    project.succeeds("npm", "--", "install")
    output = project.succeeds("build-prod")
    assert f"! {gyp}@{VERSION} is optional for the app and not installed: its install script failed" in output
    assert not [name for name in foreign if f"! {name}@" in output]


@pytest.mark.parametrize(("manager", "npmrc"), [long(NPM, "omit=optional\n"), long(PNPM, "optional=false\n")])
def test_settings_may_leave_out_what_is_optional(
    new_project: ProjectFactory, tmp_path: Path, registry: Registry, manager: str, npmrc: str
) -> None:
    """The app's .npmrc says so, and nothing is missing."""
    name = registry.add()
    app = write_native_app(tmp_path / "app", manager, registry, npmrc, optionalDependencies={name: VERSION})
    project = new_project(APP_DIR=str(app))
    project.succeeds("npm", "--", "install")
    registry.failing.add(name)
    project.succeeds("build-prod")
