"""Real versions of Vite with the configuration of docktasks/images/node/vite/. They run on this machine, by npm."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

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
