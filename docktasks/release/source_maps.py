"""The source maps of a production build, which are in no image: `build-prod --source-maps FOLDER` writes them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from docktasks.app.project import Project
from docktasks.errors import BuildError, SettingsError
from docktasks.images import build
from docktasks.output import counted


def require_folder(folder: str) -> str:
    """Return the absolute path of a folder that can be written or made; empty for none. Raises SettingsError."""
    if not folder:
        return ""
    path = Path(os.path.abspath(folder))  # noqa: PTH100 - a link stays as it is named
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise SettingsError(
            f"--source-maps={path}: {existing} is {'not writable' if existing.is_dir() else 'a file'}.",
            "It names the folder for the source maps. Nothing was built.",
            "Name another folder",
        )
    return str(path)


def export(project: Project, values: build.Texts, folder: str) -> None:
    """Write the source maps of the build with these values into the folder. Older ones stay. Raises BuildError."""
    with tempfile.TemporaryDirectory() as unpacked:
        target = folder if project.dry else unpacked
        result = build.write_dist(project, values | {"PART": "maps"}, target)
        if not result.ok:
            raise BuildError("The source maps cannot be written.", "The image was built.", "Correct it", result.tail(3))
        maps = [path for path in Path(unpacked).rglob("*.map*") if path.is_file()]
        if not maps and not project.dry:
            raise BuildError(
                "The build wrote no source map.",
                "The image was built. --source-maps needs a build that makes them.",
                "Set build.sourcemap: 'hidden' in the configuration of Vite",
            )
        if not project.dry:
            shutil.copytree(unpacked, folder, dirs_exist_ok=True)
    project.progress(f"wrote {counted(len(maps), 'source map')} into {folder}")
