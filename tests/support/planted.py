"""An app with planted packages: of each it is known whether its code is in the site."""

from __future__ import annotations

import base64
import io
import json
import random
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LARGE = PIXEL + random.Random(1).randbytes(9000)  # noqa: S311 - an image that is too large to be inlined
Files = dict[str, str | bytes]


@dataclass(frozen=True)
class Planted:
    """A package: its files, and what is in its own node_modules. `is_present` says whether the site has its code."""

    name: str
    is_present: bool
    files: Files
    version: str = "1.0.0"
    bundled: tuple[Planted, ...] = ()
    manifest: dict[str, Any] = field(default_factory=dict)

    def contents(self, folder: str = "package/") -> Files:
        """Return its files by their paths in its archive."""
        own = {"name": self.name, "version": self.version, "license": "MIT", "type": "module", "main": "index.js"}
        names = [package.name for package in self.bundled]
        needs = {"dependencies": dict.fromkeys(names, "*"), "bundleDependencies": names} if names else {}
        files = {f"{folder}{name}": content for name, content in self.files.items()}
        files[f"{folder}package.json"] = json.dumps(own | needs | self.manifest)
        for package in self.bundled:
            files |= package.contents(f"{folder}node_modules/{package.name}/")
        return files


def script(name: str, text: str = "") -> Files:
    """Return a package of one function that no bundler can work out at build time."""
    return {"index.js": text or f"export const run = () => `{name} ${{Date.now()}}`\n"}


SHAKEN = "console.log('an effect'); export const run = () => `shaken ${Date.now()}`\n"
TWO = "import { run as two } from 'twice'\nexport const run = () => two() + 1\n"
COMMONJS = "exports.run = function () { return `commonjs ${Date.now()}` }\n"
INNER = Planted("inner", is_present=True, files=script("inner"))
IMPORTED = Planted("css-imported", is_present=True, files={"base.css": ".imported { margin: 3px }\n"})
PACKAGES = (
    Planted("used", is_present=True, files=script("used")),
    Planted("@scope/used", is_present=True, files=script("scoped")),
    Planted("shaken", is_present=False, files=script("", SHAKEN), manifest={"sideEffects": False}),
    Planted("never-imported", is_present=False, files=script("never")),
    Planted("type-only", is_present=False, files=script("type")),
    Planted("only-in-dev", is_present=False, files=script("", SHAKEN), manifest={"sideEffects": False}),
    Planted("side-effect", is_present=True, files=script("", SHAKEN)),
    Planted("barrel", is_present=False, files={"index.js": "export { run } from 'inner'\n"}, bundled=(INNER,)),
    Planted("twice", is_present=True, files=script("one")),
    Planted(
        "needs-twice", is_present=True, files=script("", TWO),
        bundled=(Planted("twice", is_present=True, files=script("two"), version="2.0.0"),),
    ),
    Planted("commonjs", is_present=True, files=script("", COMMONJS), manifest={"type": "commonjs"}),
    Planted("dynamic", is_present=True, files=script("dynamic")),
    Planted("in-worker", is_present=True, files=script("worker")),
    Planted("json", is_present=True, files={"data.json": '{"a": "some text", "b": 1}'}),
    Planted("json-shaken", is_present=False, files={"data.json": '{"a": "other text"}'}),
    Planted("css-only", is_present=True, files={"a.css": "@import 'css-imported/base.css';\n.a { color: red }\n"},
            bundled=(IMPORTED,)),
    Planted("css-shaken", is_present=False, files={"a.module.css": ".b { color: red }\n"}),
    Planted("css-lazy", is_present=True, files={"a.css": ".lazy { color: green }\n"}),
    Planted("asset", is_present=True, files={"a.png": LARGE}),
    Planted("asset-inlined", is_present=True, files={"a.png": PIXEL + b"1"}),
    Planted("font", is_present=True, files={"a.woff2": b"wOF2" + LARGE}),
    Planted("css-asset", is_present=True, files={"a.png": PIXEL + b"2"}),
    Planted("constant", is_present=True, files={"index.js": "export const run = 'a text'\n"},
            manifest={"sideEffects": False}),
    Planted("as-text", is_present=True, files={"a.txt": "a text of a package"}),
    Planted("wasm", is_present=True, files={"a.wasm": b"\0asm\1\0\0\0" + LARGE}),
    Planted("in-page", is_present=True, files=script("page")),
    Planted("renamed", is_present=True, files=script("renamed")),
    Planted("copied", is_present=True, files={"a.txt": 40 * "copied by hand "}),
)  # fmt: skip
DEV = (Planted("dev", is_present=False, files=script("dev", "export const run = () => ({ name: 'dev' })\n")),)
MAIN = """
import { run as a } from 'used'
import { run as b } from '@scope/used'
import { run as c } from 'shaken'
import { run as d } from 'only-in-dev'
import 'side-effect'
import type { run as E } from 'type-only'
import { run as f } from 'barrel'
import { run as g } from 'twice'
import { run as h } from 'needs-twice'
import { run as i } from 'commonjs'
import data from 'json/data.json'
import other from 'json-shaken/data.json'
import 'css-only/a.css'
import styles from 'css-shaken/a.module.css'
import './own.css'
import large from 'asset/a.png'
import small from 'asset-inlined/a.png'
import { run as j } from 'constant'
import text from 'as-text/a.txt?raw'
import wasm from 'wasm/a.wasm?url'
import { run as k } from 'alias'
import { sibling } from 'sibling'
const e: typeof E | null = null
if (import.meta.env.DEV) console.log(d())
new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }).postMessage(1)
import('dynamic').then((module) => console.log(module.run(), import('css-lazy/a.css')))
document.title = [a(), b(), e, f(), g(), h(), i(), j, k(), data.a, large, small, text, wasm, sibling()].join()
"""
STYLE = """@font-face { font-family: f; src: url('font/a.woff2') }
body { font-family: f; background: url('css-asset/a.png') }
"""
PAGE = (
    '<!doctype html><html lang="en"><title>p</title><main></main><script type="module">'
    "import { run } from 'in-page'; console.log(run())</script>"
    '<script type="module" src="/main.ts"></script></html>'
)


def purls(*, is_present: bool) -> set[str]:
    """Return the names of the packages whose code is in the site, or of the others of the lock file."""
    all_packages = [part for package in (*PACKAGES, *DEV) for part in (package, *package.bundled)]
    names = {f"{part.name}@{part.version}" for part in all_packages if part.is_present == is_present}
    names |= {"sibling@0.3.0"} if is_present else set()
    return {f"pkg:npm/{name.replace('@scope', '%40scope')}" for name in names}


def plant(folder: Path, vite: str = "^8.3.8") -> Path:
    """Write a workspace with the app, a package next to it, and archives of the packages. Return the app's folder."""
    texts: Files = {
        "package.json": json.dumps({"name": "top", "private": True, "workspaces": ["site", "sibling"]}),
        "sibling/package.json": json.dumps(
            {"name": "sibling", "version": "0.3.0", "main": "index.js", "type": "module"}
        ),
        "sibling/index.js": "export const sibling = () => `sibling ${Date.now()}`\n",
        "site/package.json": json.dumps(_manifest(vite)),
        "site/index.html": PAGE,
        "site/main.ts": MAIN,
        "site/own.css": STYLE,
        "site/worker.ts": "import { run } from 'in-worker'\nonmessage = () => postMessage(run())\n",
        "site/public/notes.txt": next(part for part in PACKAGES if part.name == "copied").files["a.txt"],
        "site/vite.config.js": "import { run } from 'dev'\nexport default { plugins: [run()] }\n",
    }
    for name, content in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "archives").mkdir()
    for package in (*PACKAGES, *DEV):
        _pack(package, folder / "archives")
    lock = ["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(lock, cwd=folder, check=True, capture_output=True)
    return folder / "site"


def _manifest(vite: str) -> dict[str, Any]:
    needs = {package.name: f"file:../archives/{_file(package)}" for package in (*PACKAGES, *DEV)}
    needs["alias"] = needs.pop("renamed")
    dev = {package.name: needs.pop(package.name) for package in DEV}
    return {
        "name": "planted", "version": "3.2.1", "private": True, "type": "module", "scripts": {"build": "vite build"},
        "dependencies": needs | {"sibling": "*"}, "devDependencies": dev | {"vite": vite},
    }  # fmt: skip


def _file(package: Planted) -> str:
    return f"{package.name.replace('/', '-').removeprefix('@')}.tgz"


def _pack(package: Planted, folder: Path) -> None:
    with tarfile.open(folder / _file(package), "w:gz") as archive:
        for name, content in sorted(package.contents().items()):
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
