"""The Dockerfiles and scripts that `init` wrote into an app's own repository. A build then uses these."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from docktasks.errors import AppError, reason_of

FOLDER = ".hello-dock"
"""The folder with nginx/ and node/, in the root of the app."""

RECORD = f"{FOLDER}/files.json"
"""Its list of what was written, with the hash of each file by its path from the root of the app."""

ARGUMENT = re.compile(r'(\w+)=("(?:\\.|[^"\\])*"|\S*)')
"""A build argument in a Dockerfile, with its default."""


def recorded(root: Path) -> dict[str, str]:
    """Return the hash of each file that `init` wrote, by its path; nothing where it wrote none. Raises AppError."""
    try:
        files = dict(json.loads((root / RECORD).read_text(encoding="utf-8"))["files"])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, LookupError, TypeError) as error:
        what, why = f"{root / RECORD} cannot be read: {reason_of(error)}.", "It says which files `invoke init` wrote."
        raise AppError(what, why, "Restore it from git, or remove it") from error
    return {str(path): str(digest) for path, digest in files.items()}


def own_file(root: Path, name: str) -> Path | None:
    """Return the path of a file or folder that `init` wrote, such as Dockerfile; None for one of somebody else."""
    is_ours = any(path == name or path.startswith(f"{name}/") for path in recorded(root))
    return root / name if is_ours and (root / name).exists() else None


def argument_defaults(dockerfile: str) -> dict[str, str]:
    """Return the default of each build argument that a Dockerfile gives one."""
    lines = [line for line in dockerfile.splitlines() if line.startswith("ARG ")]
    return {name: value.strip('"') for line in lines for name, value in ARGUMENT.findall(line)}


def with_defaults(dockerfile: str, values: Mapping[str, str]) -> str:
    """Return a Dockerfile in which the build arguments have these values as their defaults."""

    def replaced(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        text = re.sub(r'([\\"$])', r"\\\1", values[match[1]])
        return f"{match[1]}={text}" if re.fullmatch(r"[\w.:/@-]+", text) else f'{match[1]}="{text}"'

    lines = dockerfile.splitlines(keepends=True)
    return "".join(ARGUMENT.sub(replaced, line) if line.startswith("ARG ") else line for line in lines)
