"""Tests of docktasks/images/node/bundle/report.mjs, which says which packages are in a site. They need node.

The records are written by hand here. tests/engine/ship/test_sbom.py has those of real builds.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

MODULE = Path(__file__).parents[3] / "docktasks/images/node/bundle/report.mjs"
PROGRAM = """
import {{ readdirSync, statSync }} from 'node:fs'
import {{ bundleReport }} from {module}
const names = new Set(readdirSync('dist', {{ recursive: true }}).filter((name) => statSync(`dist/${{name}}`).isFile()))
console.log(JSON.stringify(bundleReport('dist', names, 'records', 'npm')))
"""
COPIED = 200 * "x"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return an app with five packages and a sibling, and a site of four files."""
    folder = tmp_path / "apps/shop"
    for name, manifest in {
        "node_modules/used": {"name": "used", "version": "1.0.0", "license": {"type": "MIT"}},
        "node_modules/used/node_modules/dup": {"name": "dup", "version": "2.0.0"},
        "node_modules/dup": {"name": "dup", "version": "1.0.0"},
        "node_modules/@scope/alias": {
            "name": "real",
            "version": "3.0.0",
            "licenses": [{"type": "MIT"}, {"type": "ISC"}],
        },
        "node_modules/copied": {"name": "copied", "version": "1.0.0"},
        "../../packages/ui": {"name": "ui", "version": "0.1.0"},
        "": {"name": "shop", "version": "9.9.9"},
    }.items():
        (folder / name / "esm").mkdir(parents=True, exist_ok=True)
        (folder / name / "package.json").write_text(json.dumps(manifest))
        (folder / name / "esm/index.js").write_text("")
        (folder / name / "esm/package.json").write_text('{"type":"module"}')
    (folder / "node_modules/ui").symlink_to("../../../packages/ui")
    (folder / "node_modules/copied/data.wasm").write_text(COPIED)
    for name, text in {"index.html": "<p>", "assets/a.js": "1", "assets/a.css": "2", "data.wasm": COPIED}.items():
        (folder / "dist" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "dist" / name).write_text(text)
    lock = {f"node_modules/{name}": {"version": version} for name, version in (("used", "1.0.0"), ("dev", "4.0.0"))}
    (folder / "package-lock.json").write_text(json.dumps({"packages": lock}))
    return folder


def report(app: Path, *modules: tuple[str, int, bool], chunk: str = "assets/a.js", **added: Any) -> dict[str, Any]:
    """Return the report of a build that recorded a chunk with modules: path from the app, length, and style or not."""
    listed = [
        {"id": name if name.startswith("\0") else f"{app}/{name}", "length": length, "isStyle": style, "files": []}
        for name, length, style in modules
    ]
    record = {"chunks": [{"name": chunk, "facade": None, "sample": "", "modules": listed}], "assets": []} | added
    (app / "records").mkdir(exist_ok=True)
    (app / "records/1.json").write_text(json.dumps(record))
    program = PROGRAM.format(module=json.dumps(str(MODULE)))
    command = ["node", "--input-type=module", "--eval", program]
    output = subprocess.run(command, cwd=app, check=True, stdout=subprocess.PIPE, text=True).stdout
    content: dict[str, Any] = json.loads(output)
    return content


def names(content: dict[str, Any]) -> list[str]:
    """Return the names and versions of the packages in a report."""
    return [f"{package['name']}@{package['version']}" for package in content["packages"]]


def test_package_is_in_the_site_by_a_module_with_code(app: Path) -> None:
    """Two versions of one package are two, an alias has its real name, and a shaken module has no length."""
    content = report(
        app,
        ("node_modules/used/esm/index.js", 10, False),
        ("node_modules/used/node_modules/dup/esm/index.js?commonjs-proxy", 10, False),
        ("node_modules/dup/esm/index.js", 0, False),
        ("node_modules/@scope/alias/esm/index.js", 10, False),
        ("esm/index.js", 10, False),
        ("../../packages/ui/esm/index.js", 10, False),
    )
    assert names(content) == ["copied@1.0.0", "dup@2.0.0", "real@3.0.0", "ui@0.1.0", "used@1.0.0"]
    licenses = {package["name"]: package["license"] for package in content["packages"]}
    assert (licenses["used"], licenses["real"], licenses["ui"]) == ("MIT", "MIT OR ISC", "")
    assert [package["name"] for package in content["packages"] if package["isSibling"]] == ["ui"]
    assert [entry["name"] for entry in content["lock"]["packages"]] == ["used", "dev"]
    assert content["app"] == {"name": "shop", "version": "9.9.9", "license": ""}


def test_copied_file_names_its_package(app: Path) -> None:
    """No bundle tells of what a plugin copies, so equal bytes do."""
    (package,) = report(app)["packages"]
    assert (package["name"], package["files"]) == ("copied", ["data.wasm"])


def test_style_and_asset_name_their_packages(app: Path) -> None:
    """A style has no code of its own, and the site's file of styles has it."""
    assets = [
        {"name": "assets/a.css", "origins": []},
        {"name": "data.wasm", "origins": ["node_modules/copied/data.wasm"]},
    ]
    content = report(app, ("node_modules/used/esm/index.js", 0, True), assets=assets)
    assert {package["name"]: package["files"] for package in content["packages"]} == {
        "used": ["assets/a.css"], "copied": ["data.wasm"],
    }  # fmt: skip


def test_chunk_of_another_program_does_not_count(app: Path) -> None:
    """Vite bundles its own configuration, and a framework the server's part: neither is a file of the site."""
    content = report(app, ("node_modules/used/esm/index.js", 10, False), chunk="vite.config.js")
    assert (names(content), content["bundles"]) == (["copied@1.0.0"], 0)


def test_tool_with_code_in_the_site_is_named(app: Path) -> None:
    """Its helpers have no file, so they are no package of the bundle."""
    content = report(app, ("\0vite/preload-helper.js", 10, False), ("\0virtual:x", 10, False))
    assert content["helpers"] == [{"name": "vite", "version": "", "modules": ["vite/preload-helper.js"]}]
    assert content["virtual"] == ["virtual:x", "vite/preload-helper.js"]
