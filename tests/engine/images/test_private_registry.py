"""A package of a registry that asks for a token, which the app's .npmrc names as a variable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.images.test_install import built_page
from tests.engine.images.test_secrets import SERVER
from tests.support.checkouts import write_app
from tests.support.layers import texts_in_image
from tests.support.project import ProjectFactory, new_name
from tests.support.verdaccio import Verdaccio, running_verdaccio

PAGE = "require('fs').mkdirSync('dist'); require('fs').writeFileSync('dist/index.html', require('@acme/quay'))"


def write_acme_app(folder: Path, registry: Verdaccio) -> Path:
    """Write an app with a package of a scope that the registry has."""
    registry.publish("@acme/quay", f"module.exports = 'the quay of {folder.name}'")
    scripts = {"build": "node page.cjs", "dev": "node serve.cjs"}
    package = {
        "name": "harbour",
        "description": new_name(),
        "scripts": scripts,
        "dependencies": {"@acme/quay": "1.0.0"},
    }
    rc = f"@acme:registry=http://{registry.host}/\n//{registry.host}/:_authToken=${{NPM_TOKEN}}\n"
    files = {"package.json": json.dumps(package), "page.cjs": PAGE, "serve.cjs": SERVER, ".npmrc": rc}
    return write_app(folder, files)


@pytest.mark.long  # test_inputs.py has a registry with a token for the build
def test_token_reaches_build_and_dev_and_is_in_no_layer(new_project: ProjectFactory, tmp_path: Path) -> None:
    """Without it, the build names the variable and the setting. The registry is another project's own server."""
    with running_verdaccio(tmp_path / "verdaccio") as registry:
        project = new_project(APP_DIR=str(write_acme_app(tmp_path / "app", registry)))
        output = project.fails("build-prod", NPM_TOKEN=registry.token)
        assert "! .npmrc uses NPM_TOKEN, and the installation does not get it: INVOKE_BUILD_SECRETS=NPM_TOKEN" in output
        project.environ |= {"NPM_TOKEN": registry.token, "INVOKE_BUILD_SECRETS": "NPM_TOKEN"}
        output = project.succeeds("build-prod", BUILDKIT_PROGRESS="plain")
        assert built_page(project) == "the quay of app"
        output += project.succeeds("dev", "--detach")
        assert project.get(role="dev").text == "on"
    for image in (project.image, f"{project.name}:dev"):
        assert texts_in_image(image, {registry.token}, tmp_path) == set()
    assert registry.token not in output
