from __future__ import annotations

import json
import re
from pathlib import Path

from docktasks.engine.client import DockerEngine
from tests.support.checkouts import write_app
from tests.support.project import ProjectFactory

FILES = {
    "package.json": json.dumps({
        "name": "skiff", "version": "0.1.0", "private": True, "type": "module",
        "scripts": {"dev": "vite", "build": "vite build"},
        "devDependencies": {"vite": "^8.0.16"},
    }),
    "index.html": '<!doctype html><title>Skiff</title><script type="module" src="/src/main.js"></script>\n',
    "src/main.js": "document.body.textContent = 'a skiff is a small boat, and this is a small app; '.repeat(20)\n",
}  # fmt: skip


def test_compare_shows_what_each_way_leaves_in_the_image(
    engine: DockerEngine, checkout: Path, new_project: ProjectFactory, tmp_path: Path
) -> None:
    """Node and the source are in the handbook's first image alone; ours is not root's; nothing is left behind."""
    app = write_app(tmp_path / "skiff", FILES)
    project, html = new_project(APP_DIR=str(app)), tmp_path / "compare.html"
    printed = project.succeeds("compare", f"--html={html}", COLUMNS="120")

    def row(title: str) -> list[str]:
        found = next(line for line in printed.splitlines() if line.strip().startswith(f"{title}  "))
        return re.split(r"  +", found.strip())[1:]

    assert (
        row("node")[1:] == row("npm")[1:] == row("npm packages")[1:] == row("files of the source")[1:] == ["none"] * 2
    )
    assert "none" not in (row("node")[0], row("npm")[0], row("npm packages")[0])
    assert int(row("files of the source")[0]) >= len(FILES)  # and a lock file, which npm has made
    assert row("runs as") == ["uid 0 (root)", "uid 0 (root)", "uid 101"]
    bars = [line for line in printed.splitlines() if "█" in line]
    assert len(bars) in (12, 15)  # without wrk there are no requests a second
    assert float(re.findall(r"[\d.]+(?= MB)", bars[0])[0]) > 5 * float(re.findall(r"[\d.]+(?= MB)", bars[2])[0])
    assert html.read_text().count("<rect ") == len(bars)

    name = re.findall(r"--tag (hd-\w+):one-stage", printed)[0]
    assert [*engine.containers(name), *engine.images(name)] == []
    assert list((checkout / ".cache").glob(f"*{name}*")) == []
