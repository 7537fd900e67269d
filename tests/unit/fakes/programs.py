"""The programs on PATH."""

from __future__ import annotations

import shlex
from pathlib import Path


class Programs:
    """The only programs on PATH, each a small script. `calls` has the command lines so far."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder.parent / "called"
        folder.mkdir()

    def add(self, name: str, prints: str = "", code: int = 0) -> Path:
        """Add a program that prints a text and exits with a code."""
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho {name} "$@" >>{self.log}\nprintf "%s" {shlex.quote(prints)}\nexit {code}\n')
        path.chmod(0o755)
        return path

    @property
    def calls(self) -> list[str]:
        """The command lines so far."""
        return self.log.read_text().splitlines() if self.log.exists() else []
