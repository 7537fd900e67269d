"""Tests of docktasks/images/node/missing-packages.mjs, on lock files that the package managers wrote. They need node.

The lock files are those of an app that needs lightningcss, and optionally four other packages. One line is left out
everywhere: where yarn 1 downloaded a package from.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

NODE = Path(__file__).parents[3] / "docktasks/images/node"
LOCK_FILES = sorted((Path(__file__).parent / "lock_files").iterdir())
NPM_LOCK = json.loads((Path(__file__).parent / "lock_files/npm-11.json").read_text())["packages"]
APP = {"name": "the app", "folder": "/app", "optionalDependencies": NPM_LOCK[""]["optionalDependencies"]}
LIGHTNINGCSS = {
    "name": "lightningcss",
    "folder": "/app/node_modules/lightningcss",
    "optionalDependencies": NPM_LOCK["node_modules/lightningcss"]["optionalDependencies"],
}

MISSING = """
import { readFileSync } from 'node:fs'
import { missingPackages } from 'NODE/missing-packages.mjs'
import { readLock } from 'NODE/lock-files.mjs'
const { installed, lockFile, os, cpu, libc, node, present } = JSON.parse(readFileSync(0, 'utf8'))
const lock = lockFile && readLock(readFileSync(lockFile, 'utf8'))
const platform = { os, cpu, libc: () => libc, supports: (engines) => node || !engines.includes('20') }
console.log(JSON.stringify(missingPackages(installed, lock, platform, (folder, name) => present.includes(name))))
"""


def evaluate(script: str, value: object = None) -> Any:
    """Run a module in node with a value as its input, and return what it prints as JSON."""
    command = ["node", "--input-type=module", "--eval", script.replace("NODE", NODE.as_uri())]
    process = subprocess.run(command, input=json.dumps(value), capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def missing(lock_file: Path | None, machine: str, *present: str, installed: list[dict[str, Any]]) -> set[str]:
    """Return the names of the packages that a machine, such as `linux x64 glibc`, needs and that are not `present`."""
    os, cpu, libc = machine.split()
    value = {"installed": installed, "lockFile": str(lock_file) if lock_file else None, "present": present}
    return {entry["name"] for entry in evaluate(MISSING, value | {"os": os, "cpu": cpu, "libc": libc, "node": True})}


@pytest.mark.parametrize("lock_file", LOCK_FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("machine", "names"),
    [
        ("linux x64 glibc", {"lightningcss-linux-x64-gnu", "@esbuild/linux-x64"}),
        ("linux x64 musl", {"lightningcss-linux-x64-musl", "@esbuild/linux-x64"}),
        ("linux arm64 glibc", {"lightningcss-linux-arm64-gnu"}),
        ("darwin arm64 -", {"lightningcss-darwin-arm64", "fsevents"}),
    ],
)
def test_what_fits_the_machine_and_is_not_there_is_missing(lock_file: Path, machine: str, names: set[str]) -> None:
    """A package that names no machine fits every machine. Those of other machines are not missing."""
    unlimited = {"isarray", "bufferutil"}
    assert missing(lock_file, machine, installed=[APP, LIGHTNINGCSS]) == names | unlimited
    assert missing(lock_file, machine, *names, "isarray", installed=[APP, LIGHTNINGCSS]) == {"bufferutil"}


@pytest.mark.parametrize("lock_file", LOCK_FILES, ids=lambda path: path.stem)
def test_only_what_an_installed_package_needs_is_missing(lock_file: Path) -> None:
    """The app's settings may leave out packages, and with them what these need."""
    names = missing(lock_file, "linux x64 glibc", installed=[APP])
    assert names == {"isarray", "bufferutil", "@esbuild/linux-x64"}


@pytest.mark.parametrize("lock_file", LOCK_FILES, ids=lambda path: path.stem)
def test_what_the_lock_file_lacks_is_not_missing(lock_file: Path) -> None:
    """It was never to be installed: pnpm's ignoredOptionalDependencies, or a package that no registry has."""
    parent = {"name": "a", "folder": "/a", "optionalDependencies": {"lightningcss-linux-x64": "1.33.0"}}
    assert missing(lock_file, "linux x64 glibc", installed=[parent]) == set()


def test_without_a_lock_file_names_tell_the_machine() -> None:
    """npm and pnpm write a lock file where none is; yarn 1 does not."""
    assert missing(None, "linux x64 musl", installed=[LIGHTNINGCSS]) == {"lightningcss-linux-x64-musl"}


@pytest.mark.parametrize("name", ["npm-11.json", "pnpm-7.yaml", "pnpm-10.yaml"])
def test_what_this_node_cannot_run_is_not_missing(name: str) -> None:
    """A manager may leave out an optional package whose engines name other versions of node."""
    lock_file = Path(__file__).parent / "lock_files" / name
    value = {"installed": [LIGHTNINGCSS], "lockFile": str(lock_file), "present": [], "os": "linux", "cpu": "x64"}
    entries = evaluate(MISSING.replace("includes('20')", "includes('12')"), value | {"libc": "glibc", "node": False})
    assert entries == []


@pytest.mark.parametrize(
    ("name", "platform"),
    [
        ("@rolldown/binding-linux-x64-gnu", "linux x64 glibc"),
        ("@rollup/rollup-linux-arm-musleabihf", "linux arm musl"),
        ("@esbuild/linux-x64", "linux x64"),
        ("@img/sharp-linuxmusl-arm64", "linux arm64 musl"),
        ("sass-embedded-linux-musl-x64", "linux x64 musl"),
        ("@swc/core-win32-ia32-msvc", "win32 ia32"),
        ("turbo-windows-64", "win32 x64"),
        ("@tailwindcss/oxide-wasm32-wasi", "wasi wasi wasm32"),
        ("fsevents", "darwin"),
        ("isarray", ""),
        ("linuxify", ""),
        ("base64-js", ""),
    ],
)
def test_name_tells_a_machine(name: str, platform: str) -> None:
    """Native parts have the names of their machines, by a custom that napi-rs and esbuild share."""
    script = (
        f"import {{ platformOfName }} from 'NODE/lock-files.mjs'\nconst {{ os, cpu, libc }} = platformOfName('{name}')"
    )
    words = evaluate(f"{script}\nconsole.log(JSON.stringify([...os, ...cpu, ...libc]))")
    assert sorted(words) == sorted(platform.split())


@pytest.mark.parametrize(
    ("os", "fits"),
    [("undefined", True), ("[]", True), ("'linux'", True), ("['any']", True), ("['!win32']", True),
     ("['!linux']", False), ("['darwin', 'linux']", True), ("['!darwin', 'win32']", False)],
)  # fmt: skip
def test_list_of_machines_allows_and_excludes(os: str, fits: object) -> None:
    """https://docs.npmjs.com/cli/configuring-npm/package-json#os."""
    machine = "{ os: 'linux', cpu: 'x64', supports: () => true }"
    script = f"import {{ fits }} from 'NODE/missing-packages.mjs'\nconsole.log(fits({{ os: {os} }}, {machine}))"
    assert evaluate(script) is fits


@pytest.mark.parametrize(
    "versions",
    [
        ["3.2.10", "3.2.3", "3.2.10-rc1", "3.2.10-rc.11", "3.2.2"],
        ["2.11.0"],
        ["1.0.0-rc.10", "1.0.0-rc.9", "1.0.0-beta"],
    ],
)
def test_newest_version_is_the_one_that_a_range_installs(versions: list[str]) -> None:
    """A registry may list them in the order in which they were published, or in another one."""
    packages = json.dumps([{"version": version} for version in versions])
    script = f"import {{ newest }} from 'NODE/missing-packages.mjs'\nconsole.log(JSON.stringify(newest({packages})))"
    assert evaluate(script) == {"version": versions[0]}


@pytest.mark.parametrize("lock_file", LOCK_FILES, ids=lambda path: path.stem)
def test_lock_file_with_a_byte_order_mark_is_read(tmp_path: Path, lock_file: Path) -> None:
    """Every manager passes over it."""
    marked = tmp_path / "lock"
    marked.write_text(f"\ufeff{lock_file.read_text()}")
    machine = "linux x64 glibc"
    assert missing(marked, machine, installed=[APP]) == missing(lock_file, machine, installed=[APP])
