"""What a verification costs: of the app, and of a generated site of thousands of files that our image serves.

    python benchmarks/verify.py [FILES [ROUNDS]]

Prints for each the seconds and the memory of `invoke verify` without the browser, of its HTTP checks and of those of
them that a gate makes; and how many requests nginx counts. Medians; nothing is asserted.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # a script's path starts at its own folder

from docktasks import checks  # noqa: E402
from docktasks.checks import Check  # noqa: E402

INVOKE = [str(Path(sys.executable).with_name("invoke"))]
NAME = f"hd-bench-{os.getpid()}"
MEASURE = """
import json, os, resource, sys, time
began = time.perf_counter()
from invoke.main import program
try:
    program.run(["invoke", *sys.argv[1:]], exit=False)
finally:
    took, most = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open(os.environ["MEASURED"], "w") as file:
        json.dump([took, most * 1024], file)
"""
"""Runs invoke, and tells what it took: its seconds, and its memory at the most."""
APP = {
    "package.json": '{"name": "many", "private": true, "scripts": {"build": "node make.mjs"}}',
    "make.mjs": """
import { mkdirSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
const hash = (text) => createHash('sha256').update(text).digest('base64url').replace(/[-_]/g, 'A')
const noise = (seed, kilobytes) => Array.from({ length: kilobytes * 23 }, (_, at) => hash(`${seed} ${at}`)).join('\\n')
mkdirSync('dist/assets', { recursive: true })
mkdirSync('dist/docs', { recursive: true })
const files = Number(process.env.FILES ?? 5000)
const chunks = []
for (let at = 0; at < files; at += 1) {
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
""",
}
"""A build of many files: a page, scripts that it loads, styles, and pages that nothing names."""


def measured(*args: str) -> tuple[float, float]:
    """Seconds and bytes of one task."""
    with tempfile.NamedTemporaryFile() as file:
        ran = subprocess.run(
            [sys.executable, "-c", MEASURE, *args], cwd=ROOT, capture_output=True, text=True, check=False,
            env=os.environ | {"MEASURED": file.name},
        )  # fmt: skip
        summary = next((line for line in ran.stdout.splitlines() if " passed, " in line), ran.stderr)
        if " 0 failed" not in summary:
            print(ran.stdout[-3000:], summary)
        seconds, size = json.loads(Path(file.name).read_text())
        return float(seconds), float(size)


def requests() -> int:
    """How many requests the release has logged."""
    log = subprocess.run(["docker", "container", "logs", f"{NAME}-prod"], capture_output=True, text=True, check=True)
    return log.stdout.count('"\n')


def only(chosen: list[Check]) -> list[str]:
    """The flags that choose these checks."""
    return [f"--only={each.id}" for each in chosen]


def measure(table: Table, what: str, rounds: int) -> None:
    """Print a row for each choice of checks of what is running."""
    known = [each for each in checks.all_checks() if each.group != "browser"]
    http = [each for each in known if each.group == "http"]
    gate = [each for each in known if each.needs == "url" and each.severity == "critical"]
    for name, chosen in (("verify, no browser", known), ("HTTP checks", http), ("the gate's checks", gate)):
        before = requests()
        runs = [measured("verify", *only(chosen)) for _ in range(rounds)]
        seconds = statistics.median(took for took, _ in runs)
        most = max(size for _, size in runs)
        asked = (requests() - before) // rounds
        table.add_row(what, name, f"{len(chosen)}", f"{asked:,}", f"{seconds:.1f} s", f"{most / 1e6:.0f} MB")


def main() -> None:
    """Build and run both sites under a project name and a port of its own, and leave nothing behind."""
    files = sys.argv[1] if len(sys.argv) > 1 else "5000"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3  # noqa: PLR2004 - the second argument
    os.environ |= {"INVOKE_APP_NAME": NAME, "INVOKE_PROD_HOST_PORT": "0"}
    table = Table(
        title=f"Medians of {rounds}; memory at the most, Python with all that is imported", title_justify="left"
    )
    for title in ("site", "what", "checks", "requests", "takes", "memory"):
        table.add_column(title, justify="left" if title in ("site", "what") else "right")
    with ExitStack() as stack:
        stack.callback(subprocess.run, [*INVOKE, "clean"], cwd=ROOT, capture_output=True)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, text in APP.items():
            (folder / name).write_text(text.replace("?? 5000", f"?? {files}"))
        for what, app in (("the app", ""), (f"{files} files", str(folder))):
            os.environ |= {"INVOKE_APP_DIR": app} if app else {}
            subprocess.run([*INVOKE, "run-prod"], cwd=ROOT, check=True, capture_output=True)
            measure(table, what, rounds)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
