"""The documents about an image: what is in it, and what is not."""

from __future__ import annotations

import json
from pathlib import Path

from docktasks import output_files
from docktasks.app.project import Project
from docktasks.errors import SettingsError
from docktasks.release import build as release_build
from docktasks.ship import bundle, image_facts, sbom, vex
from docktasks.ship.names import ShippedImage

SBOM_FILE, VEX_FILE = "sbom.cdx.json", "vex.cdx.json"


def write(project: Project, folder: str) -> list[Path]:
    """Build the production image, and write its SBOM and its VEX into a folder. Raises DockError."""
    if not Path(folder).is_dir():
        raise SettingsError(f"There is no folder {folder}.", "--out names the folder for both files.", "Make it first")
    paths = [Path(folder) / SBOM_FILE, Path(folder) / VEX_FILE]
    for path in paths:
        output_files.require_writable(out=str(path))
    with project.lock():
        image = release_build.build_prod(project).image
        facts = image_facts.read_facts(project, image, ShippedImage(project.settings.image("prod")))
        record = bundle.record(project, facts.site)
    for path, document in zip(paths, (sbom.document(facts, record), vex.document(facts, record)), strict=True):
        if not project.dry:
            path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return paths
