from __future__ import annotations

import re
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from tests.support.project import ProjectFactory

SKIFF_FILES = 3


def row(printed: str, title: str) -> list[str]:
    """Return the cells of the table row that begins with a title."""
    line = next(line for line in printed.splitlines() if line.strip().startswith(f"{title}  "))
    return re.split(r"  +", line.strip())[1:]


@pytest.mark.long
def test_compare_shows_what_each_variant_leaves_in_the_image(
    engine: DockerEngine, checkout: Path, new_project: ProjectFactory, skiff: Path, tmp_path: Path
) -> None:
    """Only the handbook's one-stage image has node and the source, and ours does not run as root.

    All figures are on the terminal and on the page. Nothing is left behind.
    """
    project, html = new_project(APP_DIR=str(skiff)), tmp_path / "compare.html"
    printed = project.succeeds("--echo", "compare", f"--html={html}", COLUMNS="120")

    for title in ("node", "npm", "npm packages", "files of the source"):
        assert row(printed, title)[0] != "none"
        assert row(printed, title)[1:] == ["none"] * 2
    assert int(row(printed, "files of the source")[0]) >= SKIFF_FILES  # and the lock file that npm made
    assert row(printed, "runs as") == ["uid 0 (root)", "uid 0 (root)", "uid 101"]
    bars = [line for line in printed.splitlines() if "█" in line]
    assert len(bars) in (9, 12, 15)  # without wrk there are no requests a second, and no first load without a browser
    assert float(re.findall(r"[\d.]+(?= MB)", bars[0])[0]) > 5 * float(re.findall(r"[\d.]+(?= MB)", bars[2])[0])
    assert html.read_text().count("<rect ") == len(bars)

    name = re.findall(r"--tag (hd-\w+):one-stage", printed)[0]
    assert [*engine.containers(name), *engine.images(name), *engine.images(f"{name}-cold")] == []
    assert list((checkout / ".cache").glob(f"*{name}*")) == []
