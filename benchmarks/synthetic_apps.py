"""Apps to measure with: made of modules, of components, or with a build of many files, in any size; and hello-dock.

An app that is edited has one file with a text, so that an edit can be recognised in what a server sends.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.checkout import APP, CREATE_VITE, ROOT, VITE_VERSION, copy_app
from docktasks.commands import Run

PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1><div id="app"></div>'
    '<script type="module" src="/src/main.js"></script></html>\n'
)
MODULE = """
export function part{n}(list) {{
  const chosen = list.filter((entry) => entry.kind === 'kind-{n}' && entry.weight > {n})
  return chosen.map((entry) => ({{ ...entry, label: `part {n}: ${{entry.name}}`, order: entry.order * {n} }}))
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
MARK = '<template><p id="bench" style="position: fixed; inset: 0 auto auto 0">TEXT</p></template>\n'
"""The component that is edited."""

BUILD_SCRIPT = """
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
  '<h1>Many</h1>' +
  '<script type="module" src="/assets/index-X1234abc.js"></script></html>')
"""
"""A build that writes COUNT files: a page, scripts that it loads, styles, and pages that nothing links to."""


@dataclass(frozen=True)
class EditableApp:
    """An app to edit: a function that makes it in a new folder, and the path and content of the file that is edited.

    The content has TEXT in the place of the text.
    """

    make: Callable[[Path], object]
    edited: str
    content: str

    def edit(self, folder: Path, text: str) -> None:
        """Write another text into the app in `folder`."""
        (folder / self.edited).write_text(self.content.replace("TEXT", text))


def write_modules(app: Path, modules: int, files: int = 0) -> None:
    """Write an app with this number of modules in src/, and of files in public/."""
    scripts = {"dev": "vite", "build": "vite build"}
    package = {"name": "grown", "version": "1.0.0", "private": True, "type": "module", "scripts": scripts}
    (app / "src").mkdir(parents=True)
    (app / "public").mkdir()
    (app / "package.json").write_text(json.dumps(package | {"devDependencies": {"vite": VITE_VERSION}}))
    (app / "index.html").write_text(PAGE.format(title="Grown"))
    for n in range(modules):
        (app / "src" / f"part{n}.js").write_text(MODULE.format(n=n))
    imports = [f"import {{ part{n} }} from './part{n}.js'" for n in range(modules)]
    names = ", ".join(f"part{n}" for n in range(modules))
    (app / "src" / "main.js").write_text("\n".join([*imports, f"globalThis.parts = [{names}]", ""]))
    for n in range(files):
        (app / "public" / f"{n}.svg").write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg"><path d="M{n} 0h24"/></svg>\n'
        )


def write_components(app: Path, components: int) -> None:
    """Write an app with this number of components, and with the dependencies of hello-dock."""
    (app / "src/parts").mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(APP / name, app)
    (app / "vite.config.js").write_text("import vue from '@vitejs/plugin-vue'\nexport default { plugins: [vue()] }\n")
    (app / "index.html").write_text(PAGE.format(title="Large"))
    (app / "src/main.js").write_text(
        "import { createApp } from 'vue'\nimport App from './App.vue'\ncreateApp(App).mount('#app')\n"
    )
    names = [f"Part{number:04}" for number in range(components)]
    for name in names:
        (app / f"src/parts/{name}.vue").write_text(COMPONENT.format(name=name))
    imports = "".join(f"import {name} from './parts/{name}.vue'\n" for name in names)
    elements = "".join(f"<{name} />" for name in names)
    (app / "src/App.vue").write_text(
        f"<script setup>\nimport BenchMark from './BenchMark.vue'\n{imports}</script>\n"
        f"<template><BenchMark />{elements}</template>\n"
    )


def copy_hello_dock(app: Path) -> None:
    """Copy hello-dock, with one more component on its page."""
    page = copy_app(app) / "src/App.vue"
    text = page.read_text().replace("<script setup>", "<script setup>\nimport BenchMark from './BenchMark.vue'", 1)
    page.write_text(re.sub(r"(?m)^<template>", "<template>\n  <BenchMark />", text, count=1))


def create(run: Run, folder: Path, template: str) -> Path:
    """Create a new app in `folder` from one of create-vite's templates. Returns the app's folder."""
    # A relative path: create-vite appends even an absolute path to the folder that it runs in.
    target = os.path.relpath(folder / "app", ROOT)
    run(["npx", "--yes", CREATE_VITE, target, "--template", template, "--no-interactive"], quiet=True)
    return folder / "app"


def write_files(app: Path, files: int) -> None:
    """Write an app whose build makes this number of files, of 1 to 8 kB each."""
    app.mkdir()
    package = {"name": "many", "private": True, "scripts": {"build": "node make.mjs"}}
    (app / "package.json").write_text(json.dumps(package))
    (app / "make.mjs").write_text(BUILD_SCRIPT.replace("COUNT", str(files)))


HELLO_DOCK = EditableApp(copy_hello_dock, "src/BenchMark.vue", MARK)


def of_components(components: int) -> EditableApp:
    """An app with this number of components."""
    return EditableApp(lambda folder: write_components(folder, components), "src/BenchMark.vue", MARK)


def of_modules(modules: int, files: int) -> EditableApp:
    """An app with this number of modules, the first of which is edited, and of files in public/."""
    content = MODULE.format(n=0) + "export const text = 'TEXT'\n"
    return EditableApp(lambda folder: write_modules(folder, modules, files), "src/part0.js", content)
