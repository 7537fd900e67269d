"""Read the files of an app that say how it is installed: JSON and YAML."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from invoke.util import yaml  # type: ignore[attr-defined]  # the reader of invoke.yaml; no dependency more

from docktasks.errors import AppError

MANIFEST = "package.json"
UNREADABLE = "The package manager cannot read it."


def parse_yaml(text: str) -> Any:
    """Read YAML as Invoke reads invoke.yaml. Raises ValueError."""
    try:
        return yaml.safe_load(text)  # type: ignore[no-untyped-call]
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the content of a folder's package.json. Raises AppError, or FileNotFoundError when there is none."""
    return _read(folder / MANIFEST, json.loads, "JSON", "JSON object")


def entries(manifest: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    """Return what fields of a package.json, such as scripts, hold together, by name. A field may be missing or null."""
    return {name: value for field in fields for name, value in (manifest.get(field) or {}).items()}


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a file of YAML; nothing for an empty one. Raises as read_manifest() does."""
    return _read(path, lambda text: parse_yaml(text) or {}, "YAML", "keys")


def _read(path: Path, parse: Callable[[str], Any], form: str, content: str) -> dict[str, Any]:
    try:
        values = parse(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise AppError(f"{path} cannot be read: {error.strerror}.", UNREADABLE, "Allow it") from error
    except ValueError as error:
        raise AppError(f"{path} is not {form}: {error}", UNREADABLE, "Correct the file") from error
    if not isinstance(values, dict):
        raise AppError(f"{path} holds no {content}.", UNREADABLE, "Correct the file")
    return values
