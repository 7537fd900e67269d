"""What a build is given: variables, secrets and a mode. Secrets stay in no layer, cache or log."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.checkout import VITE_VERSION
from tests.support.checkouts import write_app
from tests.support.commands import docker, run_command, shown_commands
from tests.support.layers import texts_in_image
from tests.support.project import ProjectFactory, ProjectUnderTest, new_name
from tests.support.registry import VERSION, Registry, running_registry

TOKEN = f"{new_name()}-token"
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()
WRITE_DIGEST = """import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
mkdirSync('public', { recursive: true })
const digest = createHash('sha256').update(process.env.NPM_TOKEN ?? '').digest('hex')
writeFileSync(`public/${process.argv[2]}.txt`, `${digest} ${process.env.CYPRESS_INSTALL_BINARY} ${process.env.REGION}`)
"""
PAGE = "document.body.append(`${import.meta.env.VITE_SEA} in ${import.meta.env.MODE}`)"


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry that needs a token."""
    with running_registry(TOKEN) as registry:
        yield registry


def write_vite_app(folder: Path, registry: Registry) -> Path:
    """Write an app of Vite with a private package, whose install and build tell which token they have."""
    package = {
        "name": "inlet", "description": new_name(), "type": "module",
        "scripts": {"postinstall": "node digest.mjs install", "build": "node digest.mjs build && vite build"},
        "dependencies": {registry.add(): VERSION}, "devDependencies": {"vite": f"^{VITE_VERSION}"},
    }  # fmt: skip
    files = {
        "package.json": f"\ufeff{json.dumps(package)}",
        ".npmrc": f"registry={registry.url}/\n//{registry.host}/:_authToken=${{NPM_TOKEN}}\n",
        ".env.staging": "VITE_SEA=baltic\n",
        ".env": "VITE_SEA=dead\n",
        ".dockerignore": "public/fixtures\n.env\n",
        "public/fixtures/people.json": "Ann",
        "vite.config.js": "export default { build: { sourcemap: 'hidden' } }",
        "digest.mjs": WRITE_DIGEST,
        "index.html": '<title>Inlet</title><body><script type="module" src="/main.js"></script></body>',
        "main.js": PAGE,
    }
    return write_app(folder, files)


def site_text(project: ProjectUnderTest, *names: str) -> str:
    """Return the text of files of the site in the production image."""
    script = f"cd /srv && cat {' '.join(names)}"
    return docker("container", "run", "--rm", "--entrypoint", "sh", project.image, "-c", script)


def assert_secret_is_nowhere(project: ProjectUnderTest, output: str, folder: Path) -> None:
    """Check that the layers of the image and of the stage `builder`, npm's cache and the output have no token."""
    builder = f"{new_name()}:builder"
    (command,) = (words for words in shown_commands(output) if words[:3] == ["docker", "image", "build"])
    command[command.index(project.image)] = builder
    cache = f"FROM {project.image}\nUSER 0\nRUN --mount=type=cache,id=hello-dock-npm,target=/c ! grep -rqF {TOKEN} /c\n"
    try:
        built = run_command([*command[:3], "--target=builder", *command[3:]], project.checkout, project.environ)
        assert built.ok
        docker("image", "build", "--quiet", "-", stdin=cache)
        for image in (project.image, builder):
            assert texts_in_image(image, {TOKEN}, folder) == set()
    finally:
        docker("image", "rm", "--force", builder)
    assert TOKEN not in output


def test_build_gets_the_variables_secrets_and_mode_that_are_named(
    new_project: ProjectFactory, tmp_path: Path, registry: Registry
) -> None:
    """Another mode is another build. A secret reaches install and build, and stays out of layers, caches and logs."""
    project = new_project(APP_DIR=str(write_vite_app(tmp_path / "app", registry)), BUILD_SECRETS="NPM_TOKEN")
    project.environ |= {"INVOKE_BUILD_ENV_PREFIXES": "VITE_", "INVOKE_BUILD_ENV": "REGION=eu"}
    assert "Not set in the environment: NPM_TOKEN." in project.fails("build-prod")
    project.environ["NPM_TOKEN"] = TOKEN
    output = project.succeeds("build-prod", VITE_SEA="north", BUILDKIT_PROGRESS="plain")
    assert "north in production" in site_text(project, "hashed/site/assets/*.js")
    assert site_text(project, "site/*.txt") == f"{DIGEST} 0 eu" * 2
    assert registry.denied == []
    assert_secret_is_nowhere(project, output, tmp_path)
    maps = tmp_path / "maps"
    output = project.succeeds("build-prod", f"--source-maps={maps}", INVOKE_BUILD_MODE="staging")
    assert "baltic in staging" in site_text(project, "hashed/site/assets/*.js")
    assert f"wrote 1 source map into {maps}" in output
    (source_map,) = maps.rglob("*.js.map")
    assert PAGE in json.loads(source_map.read_text())["sourcesContent"]
    assert "source map is kept out" in output
    files = docker("container", "run", "--rm", "--entrypoint", "find", project.image, "/srv", "-type", "f")
    assert not re.search(r"\.map|fixtures", files)
    notice = "main.js uses it, and the build does not get it. No build gets .env, because .dockerignore names it."
    assert notice in project.succeeds("build-prod", INVOKE_BUILD_ENV_PREFIXES="")
    image = project.engine.image(project.image)
    assert "/.env.stagin.\n" in project.fails("build-prod", INVOKE_BUILD_MODE="stagin")
    assert project.engine.image(project.image) == image
