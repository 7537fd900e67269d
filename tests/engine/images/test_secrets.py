"""No layer of any image has the files of the app that can hold a secret, though its build uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.images.test_handbook import bases
from tests.engine.images.test_install import (
    NPM,
    PNPM,
    YARN_1,
    YARN_4,
    built_page,
    named_manager,
    takes_packages_from_cache,
)
from tests.support.checkouts import write_app
from tests.support.commands import docker
from tests.support.layers import texts_in_image
from tests.support.long_forms import long
from tests.support.project import ProjectFactory, ProjectUnderTest, new_name
from tests.support.registry import VERSION, Registry, running_registry

TOKEN = f"{new_name()}-token"
ENV_SECRET, NETRC_SECRET, NESTED_SECRET = (f"{new_name()}-{kind}" for kind in ("env", "netrc", "nested"))
SECRETS = {TOKEN, ENV_SECRET, NETRC_SECRET, NESTED_SECRET}

PAGE = """import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
const names = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).dependencies ?? {})
const files = ['.env.production', '.netrc', 'shared/.env'].map((name) => readFileSync(name, 'utf8').length)
mkdirSync('dist', { recursive: true }) // then the lengths of the files
writeFileSync('dist/index.html', [...names.map(createRequire(import.meta.url)), ...files].join(' '))
"""
"""The build of the app: the page has what its package exports, and the lengths of the files of secrets."""

SERVER = "require('http').createServer((_, answer) => answer.end('on')).listen(3000)"

PUBLIC = "the lengths of the files"
"""A text of the source, which the layers of the stage `builder` have."""

LENGTHS = f"{len(ENV_SECRET)} {len(NETRC_SECRET)} {len(NESTED_SECRET)}"


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry that needs a token."""
    with running_registry(TOKEN) as registry:
        yield registry


def write_secret_app(folder: Path, registry: Registry | None, manager: str = NPM) -> Path:
    """Write an app whose package needs a token, and files that hold secrets; without a registry it needs no package."""
    scripts = {"build": "node page.mjs", "dev": "node serve.cjs"}
    package = {"name": "vault", "description": new_name(), "scripts": scripts, **named_manager(manager)}
    files = {
        "page.mjs": PAGE,
        "serve.cjs": SERVER,
        ".env.production": ENV_SECRET,
        ".netrc": NETRC_SECRET,
        "shared/.env": NESTED_SECRET,
    }
    host = registry.host if registry else "localhost:9"
    files[".npmrc"] = f"registry=http://{host}/\n//{host}/:_authToken={TOKEN}\n"
    if manager == YARN_1:
        files[".npmrc"] += "always-auth=true\n"
    if manager == YARN_4:
        settings = {"npmRegistryServer": f"http://{host}", "unsafeHttpWhitelist": ["*"], "npmAuthToken": TOKEN}
        files[".yarnrc.yml"] = json.dumps(settings | {"npmAlwaysAuth": True}, indent=2)
    dependencies = {registry.add(content="module.exports = 'private'"): VERSION} if registry else {}
    files["package.json"] = json.dumps(package | {"dependencies": dependencies})
    return write_app(folder, files)


# tests/unit/images/test_node_scripts.py has the files of the other managers.
@pytest.mark.parametrize("manager", [NPM, long(PNPM), long(YARN_1), long(YARN_4)])
def test_tasks_keep_secrets_out_of_every_layer(
    new_project: ProjectFactory, tmp_path: Path, registry: Registry, manager: str
) -> None:
    """The packages stay in a layer when the source or the token changes. Without its token the package is refused."""
    app = write_secret_app(tmp_path / "app", registry, manager)
    project = new_project(APP_DIR=str(app))
    project.succeeds("npm", "--", "install")
    assert not takes_packages_from_cache(project)
    assert built_page(project) == f"private {LENGTHS}"
    assert texts_in_image(project.image, SECRETS, tmp_path) == set()
    (app / "page.mjs").write_text(f"{PAGE}// edited\n")
    assert takes_packages_from_cache(project)
    (app / ".npmrc").write_text((app / ".npmrc").read_text().replace(TOKEN, f"{TOKEN}-2"))
    assert takes_packages_from_cache(project)
    (app / ".npmrc").write_text((app / ".npmrc").read_text().replace(f"{TOKEN}-2", TOKEN))
    project.succeeds("dev", "--detach")
    assert project.get(role="dev").text == "on"
    assert texts_in_image(f"{project.name}:dev", SECRETS, tmp_path) == set()
    assert registry.denied == []


@pytest.mark.parametrize("is_given", [*map(long, [False]), True])
def test_builds_by_hand_keep_secrets_out_of_every_layer(
    built_project: ProjectUnderTest, checkout: Path, tmp_path: Path, registry: Registry, *, is_given: bool
) -> None:
    """They work without an option for the secret, and with it."""
    app, name = write_secret_app(tmp_path / "app", registry), new_name()
    tools = built_project.authority_args or ["--build-context", f"tools={checkout}/docktasks/images"]
    options = [*bases(built_project), *tools, "--build-arg", "APP_DIR=.", "--file", f"{checkout}/Dockerfile"]
    secret_args = ["--secret", f"id=npmrc,src={app}/.npmrc", "--build-arg", "SETTINGS=npmrc"] if is_given else []
    try:
        for target in ("builder", "dependencies", ""):
            stage = ["--target", target] if target else []
            docker("image", "build", "--tag", name, *options, *secret_args, *stage, str(app), cwd=checkout)
            texts = texts_in_image(name, {*SECRETS, PUBLIC}, tmp_path)
            assert texts == ({PUBLIC} if target == "builder" else set())
        output = docker("container", "run", "--rm", "--entrypoint", "cat", name, "/srv/site/index.html")
    finally:
        docker("image", "rm", "--force", name)
    assert output == f"private {LENGTHS}"
