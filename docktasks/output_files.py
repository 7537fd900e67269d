"""The files that flags such as `verify --json` name."""

from __future__ import annotations

import os
from pathlib import Path

from docktasks.errors import SettingsError


def require_writable(**paths: str) -> dict[str, str]:
    """Return the file of each flag that names one. Raises SettingsError when a result could not be written later."""
    flags: dict[Path, str] = {}
    for flag, path in ((flag, Path(text).resolve()) for flag, text in paths.items() if text):
        faults = {
            "it is a folder": path.is_dir(),
            f"there is no folder {path.parent}": not path.parent.is_dir(),
            "it cannot be written": not os.access(path if path.exists() else path.parent, os.W_OK),
            f"--{flags.get(path)} names the same file": path in flags,
        }
        for fault in (text for text, is_found in faults.items() if is_found):
            raise SettingsError(f"--{flag}={path}: {fault}.", "It names the file for the results.", "Name another file")
        flags[path] = flag
    return {flag: path for flag, path in paths.items() if path}
