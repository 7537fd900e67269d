"""The checkout that is measured: where its parts are, and what a copy of it leaves out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
APP = ROOT / "hello-dock"
NGINX = ROOT / "docktasks/images/nginx"
VITE_VERSION: str = json.loads((APP / "package-lock.json").read_text())["packages"]["node_modules/vite"]["version"]
"""The version that hello-dock has. Apps of benchmarks and tests have it too, so that all its packages are to be had."""
"""The configuration that our image serves with."""

HANDBOOK = "benchmarks/handbook"
"""The folder of the handbook's Dockerfiles, from the checkout."""

CREATE_VITE = "create-vite@9.3.0"
"""The npm package that creates new apps, in the version that the tests and benchmarks use."""

GENERATED = (
    "node_modules",
    "dist",
    "coverage",
    ".git",
    ".vite",
    ".venv",
    ".nox",
    ".cache",
    "*_cache",
    "__pycache__",
    "*.egg-info",
)
"""What a copy of the checkout or of an app leaves out. Tools can make all of it again."""


def copy_app(target: Path, app: Path = APP) -> Path:
    """Copy an app, by default hello-dock, to a folder that does not exist yet. Returns that folder."""
    return Path(shutil.copytree(app, target, ignore=shutil.ignore_patterns(*GENERATED)))
