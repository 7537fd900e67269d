"""Which packages a container has, as node lists them: docktasks/verify/probes/list_packages.cjs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from docktasks.verify import probes

SCRIPT = Path(probes.__file__).with_name("list_packages.cjs")


def listed(folder: Path, packages: dict[str, dict[str, object]]) -> dict[str, str]:
    """Path -> version of what is listed of these packages, by the paths of their folders in node_modules."""
    for path, manifest in packages.items():
        (folder / path).mkdir(parents=True, exist_ok=True)
        (folder / path / "package.json").write_text(
            json.dumps({"name": path.rpartition("node_modules/")[2], **manifest})
        )
    command = ["node", "-e", SCRIPT.read_text(), str(folder)]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    return {path.removeprefix(f"{folder}/"): version for path, _, version in json.loads(process.stdout)}


@pytest.mark.parametrize(
    ("field", "has_inner"),
    [
        ({}, True),
        ({"bundleDependencies": False}, True),
        ({"bundleDependencies": []}, True),
        ({"bundleDependencies": ["b"]}, False),
        ({"bundledDependencies": ["b"]}, False),
        ({"bundleDependencies": True}, False),
    ],
)
def test_what_a_package_brings_along_is_left_out(tmp_path: Path, field: dict[str, object], *, has_inner: bool) -> None:
    """It is in the archive of that package, and yarn's lock file does not name it."""
    outer: dict[str, dict[str, object]] = {"a": {"version": "1.0.0", **field}, "@scope/c": {"version": "3.0.0+build"}}
    rows = listed(tmp_path / "node_modules", outer | {"a/node_modules/b": {"version": "2.0.0"}})
    assert rows == {"a": "1.0.0", "@scope/c": "3.0.0", **({"a/node_modules/b": "2.0.0"} if has_inner else {})}
