"""Where our own files are, such as the Dockerfiles and the defaults: at a checkout's root, or in the package."""

from __future__ import annotations

from pathlib import Path

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


def install_extra(extra: str) -> str:
    """Return how to install an extra of the package (pyproject.toml), as the end of an error or of a skip."""
    name = f"'hello-dock[{extra}]'"
    return f"pip install {name}, or uvx --from {name} hello-dock …"
