"""A dev server over https, by the app's own plugin or by dev.https."""

from __future__ import annotations

import json
import re
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.checkout import VITE_VERSION
from docktasks.engine.client import DockerEngine
from tests.support.certificates import make_certificate
from tests.support.checkouts import OTHER_OWNER, chown_tree, write_app
from tests.support.project import ProjectUnderTest

PACKAGES = {"@vitejs/plugin-basic-ssl": "^2.1.0", "vite": f"^{VITE_VERSION}"}
FILES = {
    "package.json": json.dumps({
        "name": "lock", "private": True, "type": "module", "scripts": {"dev": "vite"}, "devDependencies": PACKAGES
    }),
    "index.html": '<!doctype html><title>Lock</title><h1>Lock</h1><script type="module" src="/main.js"></script>',
    "main.js": "import './style.css'\n",
    "style.css": "h1 { color: navy }\n",
}  # fmt: skip
PLUGIN = "import ssl from '@vitejs/plugin-basic-ssl'\nexport default { plugins: [ssl()] }\n"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small app of another owner, with a style that the checks edit."""
    return chown_tree(write_app(tmp_path_factory.mktemp("https") / "lock", FILES))


@pytest.fixture(scope="module")
def secure_project(engine: DockerEngine, checkout: Path, app: Path) -> Iterator[ProjectUnderTest]:
    """The app's project: its packages are installed once."""
    project = ProjectUnderTest(engine, checkout, APP_DIR=str(app))
    yield project
    project.end()


@pytest.fixture
def project(secure_project: ProjectUnderTest, app: Path) -> Iterator[ProjectUnderTest]:
    """The project without a dev container and without a configuration, before and after the test."""
    yield secure_project
    secure_project.succeeds("stop")
    (app / "vite.config.js").unlink(missing_ok=True)


def served_at(output: str) -> str:
    """Return the address that invoke dev has printed."""
    match = re.search(r"Serving with hot reload: (\S+)", output)
    assert match, output
    return match[1]


def test_own_plugin_is_found_by_its_answer(project: ProjectUnderTest, app: Path) -> None:
    """No setting says that the server speaks https. The address, status and the checks with a hot reload follow."""
    (app / "vite.config.js").write_text(PLUGIN)
    url = served_at(project.succeeds("dev", "--detach"))
    assert url.startswith("https://127.0.0.1:")
    assert url in project.succeeds("status")
    checks = ["foreign-host", "foreign-origin", "foreign-socket", "hot-reload", "leaks", "network"]
    project.succeeds("verify", "--strict", *(f"--only=dev.{name}" for name in checks))
    assert f"already running: {url}" in project.fails("dev", "--detach")


def test_own_certificate_is_what_a_browser_gets(project: ProjectUnderTest, tmp_path: Path) -> None:
    """The key is readable by the container's user. A certificate for localhost only is served at that name."""
    cert, key = make_certificate(tmp_path / "tls", "DNS:localhost")
    files = {"INVOKE_DEV_HTTPS": f"{cert} {key}"}
    url = served_at(project.succeeds("dev", "--detach", **files))
    assert url.startswith("https://localhost:")
    trusting = ssl.create_default_context(cafile=cert)
    assert "<h1>Lock</h1>" in httpx.get(url, verify=trusting, trust_env=False).text
    assert project.process_uids("dev") == {str(OTHER_OWNER[0])}


def test_certificate_that_does_not_fit_is_an_error_before_the_start(project: ProjectUnderTest, tmp_path: Path) -> None:
    """Nothing is built or started, and the error says what does not fit."""
    cert, _ = make_certificate(tmp_path / "one")
    other, key = make_certificate(tmp_path / "two", "DNS:app.example")
    output = project.fails("dev", "--detach", INVOKE_DEV_HTTPS=f"{cert} {key}")
    assert f"{key} is the key of another certificate" in output
    assert "not valid for 'localhost'" in project.fails("dev", "--detach", INVOKE_DEV_HTTPS=f"{other} {key}")
    assert project.container_names() == []


@pytest.mark.long
def test_setting_needs_the_command_vite(project: ProjectUnderTest, app: Path) -> None:
    """Another server takes no certificate, and the error says so at once."""
    server = "import { createServer } from 'node:http'; createServer((_, answer) => answer.end('page')).listen(3000)"
    manifest = app / "package.json"
    before = manifest.read_text()
    manifest.write_text(json.dumps(json.loads(before) | {"scripts": {"dev": "node server.mjs"}}))
    (app / "server.mjs").write_text(server)
    make_certificate(app / "tls")
    try:
        output = project.fails("dev", "--detach", INVOKE_DEV_HTTPS="tls/cert.pem tls/key.pem")
    finally:
        manifest.write_text(before)
    assert "The dev server's script does not run the command `vite`." in output
    assert "dev.https is for this command" in output


@pytest.mark.long  # the tests before have a plugin's and an own certificate
@pytest.mark.skipif(not shutil.which("mkcert"), reason="mkcert is not installed")
def test_certificate_of_mkcert_is_trusted_by_its_authority(project: ProjectUnderTest, tmp_path: Path) -> None:
    """The authority is one of this test. Each start takes the same certificate, and a notice says how to trust it."""
    (tmp_path / "root").mkdir()
    settings = {"INVOKE_DEV_HTTPS": "mkcert", "CAROOT": str(tmp_path / "root")}
    output = project.succeeds("dev", "--detach", **settings)
    assert "To trust it: invoke setup --https" in output
    trusting = ssl.create_default_context(cafile=tmp_path / "root/rootCA.pem")
    assert httpx.get(served_at(output), verify=trusting, trust_env=False).status_code == httpx.codes.OK
    project.succeeds("stop")
    assert "mkcert -cert-file" not in project.succeeds("dev", "--detach", **settings)
