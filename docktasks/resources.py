"""Where our own files are, such as the Dockerfiles and the defaults: at a checkout's root, or in the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
DEFAULTS = "invoke.yaml"
IMAGES = "docktasks/images"
"""The folder with the files that go into images, from a checkout's root."""


def is_checkout(root: Path) -> bool:
    """Return True for the root of a checkout of this project, False for another repository."""
    return (root / IMAGES).is_dir() and (root / "Dockerfile").is_file()


def path(root: Path, name: str) -> Path:
    """Return one of our files, such as Dockerfile or docktasks/images/node: the checkout's own, or the package's.

    A wheel has the files of the top level in the package itself (pyproject.toml).
    """
    if is_checkout(root):
        return root / name
    top = PACKAGE if (PACKAGE / DEFAULTS).is_file() else PACKAGE.parent
    return PACKAGE.parent / name if name.startswith("docktasks/") else top / name


def shown(root: Path, name: str) -> str:
    """Return the path of one of our files for a command that runs in `root`: relative where it is in there."""
    return name if is_checkout(root) else str(path(root, name))


def table(module_file: str, name: str = "") -> Any:
    """Return what a JSON file next to a module holds: the one with the module's name, or with another `name`."""
    path = Path(module_file)
    return json.loads((path.with_name(name) if name else path.with_suffix(".json")).read_text(encoding="utf-8"))


def install_extra(extra: str) -> str:
    """Return how to install an extra of the package (pyproject.toml), as the end of an error or of a skip."""
    name = f"'hello-dock[{extra}]'"
    return f"pip install {name}, or uvx --from {name} hello-dock …"
