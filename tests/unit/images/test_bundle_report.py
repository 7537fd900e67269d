"""Tests of docktasks/images/node/bundle/report.mjs, which says which packages are in a site. They need node.

The records are written by hand here. tests/engine/ship/test_sbom.py has those of real builds.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

LOCK_FILES = Path(__file__).parent / "lock_files"
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


def report(
    app: Path, *modules: tuple[str, int, bool], chunk: str = "assets/a.js", sample: str = "", **added: Any
) -> dict[str, Any]:
    """Return the report of a build that recorded a chunk with modules: path from the app, length, and style or not.

    With a `sample` of its code a plugin has taken the chunk out of the bundle.
    """
    listed = [
        {"id": name if name.startswith("\0") else f"{app}/{name}", "length": length, "isStyle": style, "files": []}
        for name, length, style in modules
    ]
    record: Any = {
        "chunks": [{"name": chunk, "facade": None, "sample": sample, "isRemoved": bool(sample), "modules": listed}],
        "assets": [],
        "styles": [],
    }
    record |= added
    record["styles"] += [[asset["name"], ""] for asset in record["assets"] if asset["name"].endswith(".css")]
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
    assert (names(content), content["unrecorded"]) == (["copied@1.0.0"], ["assets/a.css", "assets/a.js"])


def test_styles_of_a_page_that_a_server_wrote_count(app: Path) -> None:
    """Its scripts run at build time only, and the site has the styles."""
    modules = (("node_modules/used/esm/index.js", 0, True), ("node_modules/dup/esm/index.js", 10, False))
    assets = [{"name": "assets/a.css", "origins": []}]
    content = report(app, *modules, chunk="server/page.mjs", assets=assets)
    assert names(content) == ["copied@1.0.0", "used@1.0.0"]
    assert content["unrecorded"] == ["assets/a.js"]


def test_tool_with_code_in_the_site_is_named(app: Path) -> None:
    """Its helpers have no file, so they are no package of the bundle."""
    content = report(app, ("\0vite/preload-helper.js", 10, False), ("\0virtual:x", 10, False))
    assert content["helpers"] == [{"name": "vite", "version": "", "modules": ["vite/preload-helper.js"]}]
    assert content["virtual"] == ["virtual:x", "vite/preload-helper.js"]


LOCKED = """
import {{ lockedPackages }} from {module}
console.log(JSON.stringify(lockedPackages('.', '{manager}').packages))
"""
NAMES = {"npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock", "bun": "bun.lock"}
ALIASES = {
    "npm": """{"packages": {"node_modules/nick": {"name": "real", "version": "1.2.3"},
      "node_modules/ui": {"resolved": "ui", "link": true}, "ui": {"version": "9.0.0"}}}""",
    "pnpm": "lockfileVersion: '9.0'\n\npackages:\n\n  real@file:../real.tgz:\n    resolution: {tarball: file:../a}\n"
    "    version: 1.2.3\n",
    "yarn": '# yarn lockfile v1\n\n\n"nick@npm:real@^1.0.0":\n  version "1.2.3"\n',
    "yarn-4": '__metadata:\n  version: 8\n\n"nick@npm:real@^1.0.0":\n  version: 1.2.3\n  resolution: "real@npm:1.2.3"\n'
    '\n"ui@workspace:ui":\n  version: 0.0.0-use.local\n  resolution: "ui@workspace:ui"\n',
    "bun": '{"packages": {"nick": ["real@1.2.3", "", {}, ""], "ui": ["ui@workspace:ui"],},}',
}


def locked(folder: Path, manager: str, text: str) -> dict[str, str]:
    """Return the integrity of each package of a lock file, by its name and version."""
    (folder / NAMES[manager]).write_text(text)
    (folder / "package.json").write_text("{}")
    module = json.dumps(str(MODULE.with_name("locked-packages.mjs")))
    command = ["node", "--input-type=module", "--eval", LOCKED.format(module=module, manager=manager)]
    output = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {f"{entry['name']}@{entry['version']}": entry["integrity"] for entry in json.loads(output)}


@pytest.mark.parametrize("path", sorted(LOCK_FILES.iterdir()), ids=lambda path: path.stem)
def test_lock_files_of_all_managers_name_the_same_packages(path: Path, tmp_path: Path) -> None:
    """Yarn since version 2 has checksums of its own, and names what builds native modules, too."""
    packages = locked(tmp_path, path.stem.partition("-")[0], path.read_text())
    expected = locked(tmp_path, "npm", (LOCK_FILES / "npm-11.json").read_text())
    assert packages == expected if path.stem != "yarn-4" else packages.keys() > expected.keys()


@pytest.mark.parametrize("name", ALIASES)
def test_alias_has_its_real_name_and_a_workspace_is_left_out(name: str, tmp_path: Path) -> None:
    """A package in a file has the version in its package.json, which pnpm repeats."""
    assert [*locked(tmp_path, name.partition("-")[0], ALIASES[name])] == ["real@1.2.3"]


def test_code_and_styles_in_a_page_count(app: Path) -> None:
    """Some plugins put all files into the page, and take them out of the bundle."""
    (app / "dist/index.html").write_text(
        "<script>function inlined(){return 1}</script><style>.inlined{color:red}</style>"
    )
    modules = (("node_modules/used/esm/index.js", 0, True), ("node_modules/dup/esm/index.js", 10, False))
    sample, styles = "function inlined(){return 1}", [["gone.css", ".inlined{color:red}"]]
    content = report(app, *modules, chunk="gone.js", sample=sample, styles=styles)
    assert {package["name"]: package["files"] for package in content["packages"]} == {
        "copied": ["data.wasm"], "dup": ["index.html"], "used": ["index.html"],
    }  # fmt: skip
