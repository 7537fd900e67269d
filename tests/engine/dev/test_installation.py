"""dev installs with the source at hand, and runs the script that starts Vite's dev server, whatever that is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.checkout import VITE_VERSION
from tests.support.checkouts import OTHER_OWNER, chown_tree, write_app
from tests.support.long_forms import long
from tests.support.project import ProjectFactory, new_name
from tests.support.registry import VERSION, running_registry
from tests.support.served import served

PAGE = '<!doctype html><title>Jib</title><script type="module" src="/src/main.js"></script>\n'
GENERATE = """
import { mkdirSync, writeFileSync } from 'node:fs'
mkdirSync('src/generated', { recursive: true })
writeFileSync('src/generated/version.js', 'export const version = 7\\n')
"""
MAIN = "import { version } from './generated/version.js'\ndocument.title = `Jib ${version}`\n"
PATCH = """diff --git a/index.js b/index.js
--- a/index.js
+++ b/index.js
@@ -1,5 +1,5 @@
 var toString = {}.toString;
-
+// patched-5f2c
 module.exports = Array.isArray || function (arr) {
   return toString.call(arr) == '[object Array]';
 };
"""


def package(scripts: dict[str, str], **more: object) -> str:
    """Return a package.json with Vite and these scripts."""
    content = {"name": "jib", "private": True, "type": "module", "scripts": scripts}
    return json.dumps(content | {"devDependencies": {"vite": VITE_VERSION}} | more)


def test_dev_runs_scripts_of_the_app_and_finds_the_dev_server(new_project: ProjectFactory, tmp_path: Path) -> None:
    """`postinstall` reads and writes the source. `serve` is a preview of an old build, and `dev` calls another script.

    An edit arrives. A failing installation leaves the old one, no volume and no other file in the checkout.
    """
    scripts = {"serve": "vite preview", "dev": "npm run go", "go": "vite --open", "postinstall": "node tools/make.mjs"}
    files = {
        "package.json": package(scripts), "index.html": PAGE, "src/main.js": MAIN, "tools/make.mjs": GENERATE,
        "dist/index.html": "an old build",
    }  # fmt: skip
    app = chown_tree(write_app(tmp_path / "jib", files))
    project = new_project(APP_DIR=str(app))
    project.succeeds("dev", "--detach")
    assert "/@vite/client" in project.get(role="dev").text
    assert project.get("/src/generated/version.js", "dev").text.startswith("export const version = 7")
    generated = app / "src/generated/version.js"
    assert (generated.stat().st_uid, generated.stat().st_gid) == OTHER_OWNER
    (app / "src/main.js").write_text(MAIN.replace("Jib", "Staysail"))
    served(project, "/src/main.js", "Staysail")
    names = {path.name for path in app.iterdir()}
    assert names == {"package.json", "index.html", "src", "tools", "dist", "node_modules"}
    project.succeeds("stop")
    volumes = project.node_modules_volumes()
    (app / "tools/make.mjs").write_text("throw new Error('adrift-5f2c')\n")
    output = project.fails("dev", "--detach")
    assert "npm could not install the app's dependencies." in output
    assert "adrift-5f2c" in output
    assert project.node_modules_volumes() == volumes
    assert project.container_names() == []


# The Dockerfiles' own tests have the other managers: tests/engine/images/test_install.py.
@pytest.mark.parametrize("manager", ["pnpm@10.12.1", long("yarn@4.9.2"), long("npm@11.6.0")])
def test_dev_installs_patched_packages(new_project: ProjectFactory, tmp_path: Path, manager: str) -> None:
    """The patch is in the source. A change of it gives another volume.

    What a script writes to the system's folder for such files is not left in the checkout, also if root owns it.
    """
    name = manager.partition("@")[0]
    dependencies: dict[str, object] = {"dependencies": {"isarray": "2.0.5"}}
    scripts = {"dev": "vite"}
    files = {"index.html": PAGE, "src/main.js": "import isArray from 'isarray'\nconsole.log(isArray([]))\n"}
    if name == "pnpm":
        dependencies["pnpm"] = {"patchedDependencies": {"isarray@2.0.5": "patches/isarray.patch"}}
        files["patches/isarray.patch"] = PATCH
        scripts["postinstall"] = "node --eval 'fs.writeFileSync(os.tmpdir() + `/adrift`, ``)'"
    elif name == "yarn":
        dependencies["dependencies"] = {"isarray": "patch:isarray@npm%3A2.0.5#./patches/isarray.patch"}
        files["patches/isarray.patch"] = PATCH
    else:
        dependencies["dependencies"] = {"isarray": "2.0.5", "patch-package": "8.0.0"}
        scripts["postinstall"] = "patch-package"
        files["patches/isarray+2.0.5.patch"] = PATCH.replace(" a/", " a/node_modules/isarray/").replace(
            " b/", " b/node_modules/isarray/"
        )
    files["package.json"] = package(scripts, packageManager=manager, **dependencies)
    app = write_app(tmp_path / "jib", files)
    project = new_project(APP_DIR=str(app if name == "pnpm" else chown_tree(app)))
    if name != "npm":
        project.succeeds("npm", "--", "install")
    project.succeeds("dev", "--detach")
    index = project.engine.exec(f"{project.name}-dev", ["cat", "node_modules/isarray/index.js"])
    assert "patched-5f2c" in index.output
    served(project, "/src/main.js", "isarray")
    assert not (app / "adrift").exists()


@pytest.mark.long  # the first test has a script that calls another
@pytest.mark.parametrize(
    ("scripts", "dependencies"),
    [
        ({"dev": 'concurrently "npm:go" "node -p 1"', "go": "NODE_OPTIONS=--no-warnings vite"}, {"concurrently": "9"}),
        long({"dev": "run-p go:*", "go:a": "vite --port 5173", "go:b": "node -p 1"}, {"npm-run-all2": "8"}),
        long({"dev": "vite & sleep 600"}, {}),
    ],
)
def test_host_and_port_arrive_through_other_programs(
    new_project: ProjectFactory, tmp_path: Path, scripts: dict[str, str], dependencies: dict[str, str]
) -> None:
    """dev gives them to Vite itself, wherever a script starts it."""
    files = {"package.json": package(scripts, dependencies=dependencies), "index.html": PAGE, "src/main.js": "1\n"}
    project = new_project(APP_DIR=str(write_app(tmp_path / "jib", files)))
    project.succeeds("dev", "--detach")
    assert "/@vite/client" in project.get(role="dev").text


ELECTRON = """
import electron from 'electron'
import { spawn } from 'node:child_process'
const start = () => spawn(electron, ['.'], { stdio: 'inherit' }).once('exit', process.exit)
const configureServer = (server) => void server.httpServer.once('listening', start)
export default { plugins: [{ name: 'window', configureServer }] }
"""


def test_dev_server_that_ends_with_electron_serves(new_project: ProjectFactory, tmp_path: Path) -> None:
    """Plugins of Vite start Electron, which has no screen in a container, and end the server when it ends."""
    manifest = package({"dev": "vite"}, dependencies={"electron": "40.1.0"})
    app = write_app(tmp_path / "jib", {"package.json": manifest, "index.html": PAGE, "vite.config.js": ELECTRON})
    project = new_project(APP_DIR=str(app))
    project.succeeds("dev", "--detach")
    served(project, "/", "Jib")
    assert "Electron opens no window" in project.succeeds("logs", "--role", "dev")


SERVER = "require('http').createServer((_, answer) => answer.end(require(process.env.PART))).listen(3000)"


@pytest.mark.long  # the builds have such a registry
def test_dev_installs_with_the_token_of_a_private_registry(new_project: ProjectFactory, tmp_path: Path) -> None:
    """.npmrc names a variable. It is given to the installation by its name only. Without it nothing is built."""
    token = f"{new_name()}-token"
    with running_registry(token) as registry:
        part = registry.add(content="module.exports = 'private'")
        manifest = {"name": "jib", "private": True, "scripts": {"dev": "node serve.cjs"}}
        files = {
            "package.json": json.dumps(manifest | {"dependencies": {part: VERSION}}), "serve.cjs": SERVER,
            ".npmrc": f"registry={registry.url}/\n//{registry.host}/:_authToken=${{NPM_TOKEN}}\n",
        }  # fmt: skip
        app = write_app(tmp_path / "jib", files)
        project = new_project(APP_DIR=str(app), BUILD_SECRETS="NPM_TOKEN", BUILD_ENV=f"PART={part}")
        output = project.fails("dev", "--detach")
        assert "Not set in the environment: NPM_TOKEN." in output
        assert "docker image build" not in output
        output = project.succeeds("dev", "--detach", NPM_TOKEN=token)
        assert project.get(role="dev").text == "private"
        assert token not in output
        assert registry.denied == []


def test_dev_names_scripts_that_start_no_server(new_project: ProjectFactory, tmp_path: Path) -> None:
    """Nothing is built or started."""
    files = {"package.json": package({"serve": "vite preview", "dev": "vite build"}), "index.html": PAGE}
    project = new_project(APP_DIR=str(write_app(tmp_path / "jib", files)))
    output = project.fails("dev", "--detach")
    assert "has no script that starts a dev server." in output
    assert "Script serve: `vite preview` serves files as they were built" in output
    assert "docker image build" not in output
