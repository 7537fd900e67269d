"""Tests of docktasks/images/node/vite/, which adds options to the app's configuration of Vite. They need node.

Vite itself is a small stand-in here. tests/engine/images/test_vite_config.py has the real ones.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

PRELOAD = Path(__file__).parents[3] / "docktasks/images/node/vite/preload.cjs"

VITE = """#!/usr/bin/env node
import { pathToFileURL } from 'node:url'
const words = process.argv.slice(2)
const config = words[0] === '--config' ? await import(pathToFileURL(words[1])) : undefined
console.log(JSON.stringify({ words: config ? words.slice(2) : words, config: await config?.default('env') }))
"""
INDEX = """
export const loadConfigFromFile = (...words) => ({ path: 'vite.config.ts', config: { words }, dependencies: ['a.ts'] })
export const mergeConfig = (own, added) => ({ ...own, ...added, plugins: added.plugins.map((plugin) => plugin.name) })
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return the folder of an app whose node_modules has a Vite that prints its words and its configuration."""
    package = tmp_path / "app/node_modules/vite"
    for path, text in {
        "package.json": json.dumps({"name": "vite", "type": "module", "bin": {"vite": "bin/vite.js"}}),
        "bin/vite.js": VITE,
        "dist/node/index.js": INDEX,
    }.items():
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text(text)
    (package / "bin/vite.js").chmod(0o755)
    (tmp_path / "app/node_modules/.bin").mkdir()
    (tmp_path / "app/node_modules/.bin/vite").symlink_to("../vite/bin/vite.js")
    (tmp_path / "tmp").mkdir()
    return tmp_path / "app"


def run(app: Path, *command: str, **environ: str) -> str:
    """Run a command in the app's folder as the tasks run the app's scripts, and return its output."""
    added = {
        "NODE_OPTIONS": f"--require={PRELOAD}",
        "HELLO_DOCK_VITE": '{"config":{"server":{"port":1}}}',
        "TMPDIR": str(app.parent / "tmp"),
        "PATH": f"{app}/node_modules/.bin:{os.environ['PATH']}",
    }
    return subprocess.run(
        command, cwd=app, env=os.environ | added | environ, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


@pytest.mark.parametrize(
    ("line", "words", "own"),
    [
        ("", [], [None, None, None]),
        ("build", ["build"], [None, None, None]),
        ("--host --port 3000 --strictPort", ["--host", "--port", "3000", "--strictPort"], [None, None, None]),
        ("build --config other.ts --mode x", ["build", "--mode", "x"], ["other.ts", None, None]),
        ("-c=other.ts dev --force web", ["dev", "--force", "web"], ["other.ts", "web", None]),
        ("web --debug hmr --host", ["web", "--debug", "hmr", "--host"], [None, "web", None]),
        ("build web --configLoader native", ["build", "web", "--configLoader", "native"], [None, "web", "native"]),
        ("build --watch web -- --config x", ["build", "--watch", "web", "--", "--config", "x"], [None, "web", None]),
    ],
)
def test_vite_gets_our_configuration_with_the_apps_own(app: Path, line: str, words: list[str], own: list[str]) -> None:
    """The app's own configuration is the one that its script names, else the one in the root that it names.

    `own` has the configuration, the root and the loader that the script names.
    """
    file, root, loader = own
    answer = json.loads(run(app, "vite", *line.split()))
    assert answer["words"] == words
    assert answer["config"]["words"] == ["env", file, root, None, None, loader]
    assert answer["config"]["server"] == {"port": 1}
    assert answer["config"]["plugins"] == ["hello-dock:config"]


def test_preview_and_other_programs_run_as_always(app: Path) -> None:
    """A preview serves what is built. A program called vite.js counts only as the command of its package."""
    assert json.loads(run(app, "vite", "preview", "--port", "1")) == {"words": ["preview", "--port", "1"]}
    (app / "vite.js").write_text("console.log(process.argv.slice(2).join())")
    assert run(app, "node", "vite.js", "build", "web") == "build,web\n"
    assert not (app.parent / "tmp/hello-dock-vite.config.mjs").exists()


@pytest.mark.parametrize(
    "script",
    [
        "vite build && echo after",
        "npm run other",
        "NODE_OPTIONS=--max-old-space-size=256 vite build",
        "node --stack-size=900 node_modules/vite/bin/vite.js build",
    ],
)
def test_vite_is_found_wherever_a_script_starts_it(app: Path, script: str) -> None:
    """It may be in the middle of a line, in another script, or under options of node that replace ours."""
    scripts = {"build": script, "other": "vite build && echo after"}
    (app / "package.json").write_text(json.dumps({"name": "app", "scripts": scripts}))
    answer = next(line for line in run(app, "npm", "run", "--silent", "build").splitlines() if line.startswith("{"))
    assert json.loads(answer)["config"]["server"] == {"port": 1}
    assert (app.parent / "tmp/hello-dock-vite.config.mjs").exists()


@pytest.mark.parametrize("program", ["bin/vite.js", "node/cli.js"])
def test_vite_is_found_in_the_package_of_vite_plus(app: Path, program: str) -> None:
    """`vp build` starts one of these files, by its version. The package has no command called vite."""
    package = app / "node_modules/@voidzero-dev/vite-plus-core"
    for path, text in {"package.json": '{"type": "module"}', program: VITE, "node/index.js": INDEX}.items():
        file = package / ("" if path == "package.json" else "dist/vite") / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    answer = json.loads(run(app, "node", str(package / "dist/vite" / program), "build"))
    assert (answer["words"], answer["config"]["server"]) == (["build"], {"port": 1})


ADDRESS = "--host 0.0.0.0 --port 3000"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ADDRESS),
        ("--port 5173 --open", f"--open {ADDRESS}"),
        ("dev web -- x", f"dev web {ADDRESS} -- x"),
        ("--mode preview", f"--mode preview {ADDRESS}"),
        ("build", "build"),
        ("preview --port 1", "preview --port 1"),
    ],
)
def test_dev_server_gets_its_address(app: Path, line: str, words: str) -> None:
    """Only the dev server does, in place of the script's own. No configuration is needed."""
    answer = json.loads(run(app, "vite", *line.split(), HELLO_DOCK_ADDRESS=ADDRESS, HELLO_DOCK_VITE=""))
    assert answer == {"words": words.split()}
    wrapped = json.loads(run(app, "vite", *line.split(), HELLO_DOCK_ADDRESS=ADDRESS))
    assert wrapped["words"] == words.split()


@pytest.mark.parametrize(
    "script",
    [
        "npm run other",
        "vite && echo after",
        "vite & true",
        "sh -c vite",
        "NODE_OPTIONS=--max-old-space-size=256 npm run other",
    ],
)
def test_address_arrives_through_other_scripts(app: Path, script: str) -> None:
    """npm keeps options for itself, and a shell gives them to the last command of a line."""
    (app / "package.json").write_text(json.dumps({"name": "app", "scripts": {"dev": script, "other": "vite --open"}}))
    output = run(app, "npm", "run", "--silent", "dev", HELLO_DOCK_ADDRESS=ADDRESS, HELLO_DOCK_VITE="")
    answer = next(line for line in output.splitlines() if line.startswith("{"))
    assert json.loads(answer)["words"][-4:] == ADDRESS.split()


def test_dev_server_of_a_framework_gets_its_address(app: Path) -> None:
    """Its command has options of its own, which Vite's are among."""
    program = app / "node_modules/astro/bin/astro.mjs"
    program.parent.mkdir(parents=True)
    program.write_text("console.log(process.argv.slice(2).join(' '))")
    assert run(app, "node", str(program), "dev", HELLO_DOCK_ADDRESS=ADDRESS) == f"dev {ADDRESS}\n"
    assert run(app, "node", str(program), "build", HELLO_DOCK_ADDRESS=ADDRESS) == "build\n"
    line = "dev --host --port 3005 --open docs -p=1"
    assert run(app, "node", str(program), *line.split(), HELLO_DOCK_ADDRESS=ADDRESS) == f"dev --open docs {ADDRESS}\n"


OWN_PROXY = "({ path: 'vite.config.ts', config: { server: { proxy: { '/api': 'own', '/x': 'own' } } } })"


def test_prefixes_of_the_api_come_before_the_apps_own_proxy(app: Path) -> None:
    """Vite takes the first key that fits. Without the setting the app's own proxy is left as it is."""
    index = app / "node_modules/vite/dist/node/index.js"
    merge = "export const mergeConfig = (own, added) => ({ ...own, server: { ...own.server, ...added.server } })"
    index.write_text(f"export const loadConfigFromFile = () => {OWN_PROXY}\n{merge}\n")
    options = {"config": {"server": {"port": 1, "proxy": {"^/api(?:[/?]|$)": {"target": "http://api:8000"}}}}}
    server = json.loads(run(app, "vite", HELLO_DOCK_VITE=json.dumps(options)))["config"]["server"]
    assert list(server["proxy"]) == ["^/api(?:[/?]|$)", "/api", "/x"]
    assert server["port"] == 1
    server = json.loads(run(app, "vite"))["config"]["server"]
    assert server["proxy"] == {"/api": "own", "/x": "own"}


@pytest.mark.parametrize(
    ("own", "hmr"),
    [("false", False), ("{ clientPort: 443 }", {"clientPort": 443}), ("{ overlay: true }", {"clientPort": 1})],
)
def test_app_without_a_socket_gets_no_port_for_it(app: Path, own: str, hmr: object) -> None:
    """A page of Vite 2 gets the port of its socket, but not where the app has no socket, or names another port."""
    index = app / "node_modules/vite/dist/node/index.js"
    merge = "export const mergeConfig = (own, added) => ({ ...added, server: { ...own.server, ...added.server } })"
    text = INDEX.replace("config: { words }", f"config: {{ words, server: {{ hmr: {own} }} }}")
    index.write_text(re.sub("export const mergeConfig .*", merge, text))
    options = {"config": {"server": {"hmr": {"clientPort": 1}}}}
    assert json.loads(run(app, "vite", HELLO_DOCK_VITE=json.dumps(options)))["config"]["server"].get("hmr") == hmr
