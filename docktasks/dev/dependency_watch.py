"""Watch the files that decide which dependencies are installed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from docktasks.app.install_files import install_files
from docktasks.app.package import App

SETTLE_S = 0.5
"""Seconds without another change after which the files count as completely written."""


class DependencyWatch:
    """Notices a change of package.json, a lock file or a patch by its time and size, so that each look is cheap."""

    def __init__(self, app: App) -> None:
        self._root, self._paths = app.root, install_files(app)
        self._stamps = self._read_stamps()
        self._contents = self._read_contents()
        self._changed_at: float | None = None

    def has_changed(self) -> bool:
        """Return True when a file was written, and none in the last SETTLE_S seconds."""
        stamps = self._read_stamps()
        if stamps != self._stamps:
            self._stamps, self._changed_at = stamps, time.monotonic()
        return self._changed_at is not None and time.monotonic() - self._changed_at >= SETTLE_S

    def take_changes(self) -> list[str]:
        """Return the names of the files whose content changed since the last call, sorted."""
        before, self._contents, self._changed_at = self._contents, self._read_contents(), None
        names = sorted(before.keys() | self._contents.keys())
        return [name for name in names if before.get(name) != self._contents.get(name)]

    def _read_stamps(self) -> list[tuple[int, int] | None]:
        return [(stat.st_mtime_ns, stat.st_size) if (stat := _stat(path)) else None for path in self._paths]

    def _read_contents(self) -> dict[str, bytes]:
        return {os.path.relpath(path, self._root): path.read_bytes() for path in self._paths if path.is_file()}


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
