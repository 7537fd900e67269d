"""The SBOM of a built image names exactly the packages whose code is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docktasks.ship import sbom, vex
from tests.support import planted
from tests.support.long_forms import long
from tests.support.project import ProjectFactory


@pytest.mark.parametrize("vite", ["^8.3.8", long("^6.4.0"), long("^5.4.0")])
def test_sbom_of_a_planted_app_is_exact(new_project: ProjectFactory, tmp_path: Path, vite: str) -> None:
    """No package is missing and none is too many; each other one of the lock file is in the VEX."""
    site = planted.plant(tmp_path / "workspace", vite)
    project = new_project(APP_DIR=str(site))
    project.succeeds("sbom", f"--out={tmp_path}")
    content = json.loads((tmp_path / "sbom.cdx.json").read_text())
    assert sbom.purls_in(content) == planted.purls(is_present=True)
    absent = vex.absent_in(json.loads((tmp_path / "vex.cdx.json").read_text()))
    assert planted.purls(is_present=False) <= absent
    assert absent & planted.purls(is_present=True) == set()
    components = {component["bom-ref"]: component for component in content["components"]}
    names = [component["name"] for component in components["app"]["components"]]
    assert {"index.html", "notes.txt"} <= {*names}
    assert names == sorted(names)
    assert any(component["name"] == "nginx" for component in components.values())
