"""Apps to measure on, of any size: one of modules, one of components, one whose build leaves many files; and this one.

In those that are edited, one file has nothing but a text, so that an edit is known wherever it arrives.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.checkout import CREATE_VITE, copy_app
from benchmarks.harness import ROOT
from docktasks.commands import Run

PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><div id="app"></div>'
    '<script type="module" src="/src/main.js"></script></html>\n'
)
MODULE = """
export function part{n}(list) {{
  const found = list.filter((entry) => entry.kind === 'kind-{n}' && entry.weight > {n})
  return found.map((entry) => ({{ ...entry, label: `part {n}: ${{entry.name}}`, order: entry.order * {n} }}))
}}
"""
COMPONENT = """<script setup>
const name = '{name}'
</script>
<template><i class="{name}">{{{{ name }}}}</i></template>
<style scoped>
.{name} {{ color: rgb(16 42 67) }}
</style>
"""
SHOWN = "bench"
"""The id of the element with the text that is edited."""
FILES = """
import { mkdirSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
const hash = (text) => createHash('sha256').update(text).digest('base64url').replace(/[-_]/g, 'A')
const noise = (seed, kilobytes) => Array.from({ length: kilobytes * 23 }, (_, at) => hash(`${seed} ${at}`)).join('\\n')
mkdirSync('dist/assets', { recursive: true })
mkdirSync('dist/docs', { recursive: true })
const chunks = []
for (let at = 0; at < COUNT; at += 1) {
  const text = noise(at, 1 + (at % 8))
  if (at % 10 === 0) writeFileSync(`dist/docs/page-${at}.html`, `<!doctype html><pre>${text}</pre>`)
  else if (at % 10 === 1) writeFileSync(`dist/assets/style${at}-X${hash(text).slice(0, 7)}.css`, `/*${text}*/`)
  else {
    chunks.push(`chunk${at}-X${hash(text).slice(0, 7)}.js`)
    writeFileSync(`dist/assets/${chunks.at(-1)}`, `/*${text}*/`)
  }
}
writeFileSync('dist/assets/index-X1234abc.js', chunks.map((name) => `import('./${name}')`).join(';'))
writeFileSync('dist/index.html', '<!doctype html><html lang="en"><meta charset="utf-8"><title>Many</title>' +
  '<script type="module" src="/assets/index-X1234abc.js"></script></html>')
"""
"""A build of many files: a page, scripts that it loads, styles, and pages that nothing names."""


@dataclass(frozen=True)
class App:
    """An app to edit: how it is made in a folder that is not there, the file with the text, and what it has around it.

    The file's content has TEXT where the text goes.
    """

    make: Callable[[Path], object]
    edited: str
    content: str

    def edit(self, folder: Path, text: str) -> None:
        """Have the app say another text."""
        (folder / self.edited).write_text(self.content.replace("TEXT", text))


def write_modules(app: Path, modules: int, files: int = 0) -> None:
    """An app of so many modules, with so many files in public/."""
    scripts = {"dev": "vite", "build": "vite build"}
    package = {"name": "grown", "version": "1.0.0", "private": True, "type": "module", "scripts": scripts}
    (app / "src").mkdir(parents=True)
    (app / "public").mkdir()
    (app / "package.json").write_text(json.dumps(package | {"devDependencies": {"vite": "^8.0.16"}}))
    (app / "index.html").write_text(PAGE.format(title="Grown"))
    for n in range(modules):
        (app / "src" / f"part{n}.js").write_text(MODULE.format(n=n))
    imports = [f"import {{ part{n} }} from './part{n}.js'" for n in range(modules)]
    called = ", ".join(f"part{n}" for n in range(modules))
    (app / "src" / "main.js").write_text("\n".join([*imports, f"globalThis.parts = [{called}]", ""]))
    for n in range(files):
        (app / "public" / f"{n}.svg").write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg"><path d="M{n} 0h24"/></svg>\n'
        )


def write_components(app: Path, components: int) -> None:
    """An app of so many components, with the dependencies of hello-dock."""
    (app / "src/parts").mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "hello-dock" / name, app)
    (app / "vite.config.js").write_text("import vue from '@vitejs/plugin-vue'\nexport default { plugins: [vue()] }\n")
    (app / "index.html").write_text(PAGE.format(title="Large"))
    (app / "src/main.js").write_text(
        "import { createApp } from 'vue'\nimport App from './App.vue'\ncreateApp(App).mount('#app')\n"
    )
    names = [f"Part{number:04}" for number in range(components)]
    for name in names:
        (app / f"src/parts/{name}.vue").write_text(COMPONENT.format(name=name))
    imports = "".join(f"import {name} from './parts/{name}.vue'\n" for name in names)
    shown = "".join(f"<{name} />" for name in names)
    (app / "src/App.vue").write_text(
        f"<script setup>\nimport BenchMark from './BenchMark.vue'\n{imports}</script>\n"
        f"<template><BenchMark />{shown}</template>\n"
    )


def copy_this(app: Path) -> None:
    """A copy of hello-dock that shows one component more."""
    shown = copy_app(app) / "src/App.vue"
    text = shown.read_text().replace("<script setup>", "<script setup>\nimport BenchMark from './BenchMark.vue'", 1)
    shown.write_text(re.sub(r"(?m)^<template>", "<template>\n  <BenchMark />", text, count=1))


def create(run: Run, folder: Path, template: str) -> Path:
    """A new app of one of create-vite's templates; its folder, in `folder`."""
    place = os.path.relpath(folder / "app", ROOT)  # from where commands are run: it joins the two, whatever the path
    run(["npx", "--yes", CREATE_VITE, place, "--template", template, "--no-interactive"], quiet=True)
    return folder / "app"


def write_files(app: Path, files: int) -> None:
    """An app whose build leaves so many files, of 1 to 8 kB."""
    app.mkdir()
    package = {"name": "many", "private": True, "scripts": {"build": "node make.mjs"}}
    (app / "package.json").write_text(json.dumps(package))
    (app / "make.mjs").write_text(FILES.replace("COUNT", str(files)))


MARK = f'<template><p id="{SHOWN}" style="position: fixed; inset: 0 auto auto 0">TEXT</p></template>\n'
THIS = App(copy_this, "src/BenchMark.vue", MARK)


def of_components(components: int) -> App:
    """The app of so many components."""
    return App(lambda folder: write_components(folder, components), "src/BenchMark.vue", MARK)


def of_modules(modules: int, files: int) -> App:
    """The app of so many modules; the first of them is edited."""
    content = MODULE.format(n=0) + "export const text = 'TEXT'\n"
    return App(lambda folder: write_modules(folder, modules, files), "src/part0.js", content)
