"""Real versions of Vite with the configuration of docktasks/images/node/vite/. They run on this machine, by npm."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.checkouts import write_app
from tests.support.long_forms import long

PRELOAD = Path(__file__).parents[3] / "docktasks/images/node/vite/preload.cjs"

FUNCTION = """
import { defineConfig } from 'vite'
export default defineConfig(({ mode }: { mode: string }) => ({ define: { OWN: Number(mode === 'my') } }))
"""

FORMS = {
    "without a configuration": ("", "", "vite build"),
    "JavaScript": ("vite.config.js", "export default { define: { OWN: '1' } }", "tsc --version && vite build"),
    "mjs": ("vite.config.mjs", "export default { define: { OWN: '1' } }", "vite build && node -p 1"),
    "CommonJS": ("vite.config.cjs", "module.exports = { define: { OWN: '1' } }", "vite build"),
    "a function by mode": ("vite.config.ts", FUNCTION, "vite build --mode my"),
    "an async function": ("vite.config.mts", "export default async () => ({ define: { OWN: '1' } })", "vite build ."),
    "named by the script": ("a/my.mjs", "export default { define: { OWN: '1' } }", "npm run x -- --config=a/my.mjs"),
}
"""The file with the app's configuration, its text, and the script `build`."""


CASES = [("8", "commonjs"), *((major, kind) for major in "4567" for kind in ("module", "commonjs"))]


@pytest.mark.parametrize(("major", "module_type"), [("8", "module"), *(long(*case) for case in CASES)])
def test_options_are_added_to_every_form_of_configuration(tmp_path: Path, major: str, module_type: str) -> None:
    """Each version of Vite merges the options with what the app's own configuration says."""
    (tmp_path / "index.html").write_text('<script type="module" src="/main.js"></script>')
    (tmp_path / "main.js").write_text("console.log(`own ${OWN} added ${ADDED}`)")
    install = ["npm", "install", "--no-audit", "--no-fund", f"vite@{major}", "typescript"]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True)
    manifest = json.loads((tmp_path / "package.json").read_text()) | {"type": module_type}
    for form, (file, text, script) in FORMS.items():
        (tmp_path / "package.json").write_text(json.dumps(manifest | {"scripts": {"build": script, "x": "vite build"}}))
        if file:
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).write_text(text)
        define = {"ADDED": "2"} | ({} if file else {"OWN": "1"})
        options = json.dumps({"config": {"define": define}})
        environ = os.environ | {"NODE_OPTIONS": f"--require={PRELOAD}", "HELLO_DOCK_VITE": options}
        subprocess.run(["npm", "run", "build"], cwd=tmp_path, check=True, env=environ)
        script_file = next((tmp_path / "dist/assets").glob("*.js"))
        assert "own 1 added 2" in script_file.read_text(), form
        if file:
            (tmp_path / file).unlink()


ENV_FILES = {
    "index.html": '<script type="module" src="/main.js"></script>',
    "nested/index.html": '<script src="../env.js"></script><script type="module" src="/main.js"></script>',
    "main.js": "const { VITE_B, VITE_C } = import.meta.env\nconsole.log(import.meta.env.VITE_A, VITE_B, VITE_C)\n",
    "worker.js": "postMessage(import.meta.env.VITE_A)",
    ".env": "VITE_A=one\nVITE_B=two\nVITE_C=three\n",
    "vite.config.mjs": """
export default { base: './', build: { rollupOptions: { input: ['index.html', 'nested/index.html'] } } }
""",
}


@pytest.mark.parametrize("major", ["8", long("4"), long("5"), long("6"), long("7")])
def test_variables_of_a_run_are_read_from_the_page(tmp_path: Path, major: str) -> None:
    """Each version leaves other variables as they are. Each page loads env.js once, a worker does not."""
    write_app(tmp_path, ENV_FILES)
    install = ["npm", "install", "--no-audit", "--no-fund", f"vite@{major}"]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True)
    options = json.dumps({"config": {}, "runtimeEnv": ["VITE_A", "VITE_B"]})
    environ = os.environ | {"NODE_OPTIONS": f"--require={PRELOAD}", "HELLO_DOCK_VITE": options}
    subprocess.run(["npx", "vite", "build"], cwd=tmp_path, check=True, env=environ)
    pages = [(tmp_path / "dist" / name).read_text() for name in ("index.html", "nested/index.html")]
    assert [page.count("env.js") for page in pages] == [1, 1]
    assert '<script src="env.js">' in pages[0]
    bundle = "".join(path.read_text() for path in (tmp_path / "dist/assets").glob("*.js"))
    assert "...globalThis.env" in bundle
    assert "three" in bundle
    (tmp_path / "main.js").write_text("new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })")
    build = subprocess.run(["npx", "vite", "build"], cwd=tmp_path, env=environ, capture_output=True, check=False)
    assert build.returncode
    assert b"A web worker uses import.meta.env.VITE_A" in build.stderr
