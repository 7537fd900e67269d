"""Watch the files that the installed dependencies follow from."""

from __future__ import annotations

import os
import time
from pathlib import Path

from docktasks.app import package
from docktasks.settings import Settings

QUIET = 0.5
"""Seconds without another change, after which package.json and the lock file are taken to be written to their ends."""


class DependencyWatch:
    """Notices when package.json or a lock file has another content, by a look at their times and sizes."""

    def __init__(self, settings: Settings) -> None:
        self._paths = [settings.app_dir / name for name in ("package.json", *package.LOCK_FILES)]
        self._stats, self._since = self._look(), 0.0
        self._contents = self._read()

    def _look(self) -> list[tuple[int, int] | None]:
        return [(stat.st_mtime_ns, stat.st_size) if (stat := _stat(path)) else None for path in self._paths]

    def _read(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self._paths if path.is_file()}

    def changed(self) -> bool:
        """True when something was written, and nothing more for QUIET seconds."""
        stats = self._look()
        if stats != self._stats:
            self._stats, self._since = stats, time.monotonic()
        return bool(self._since) and time.monotonic() - self._since >= QUIET

    def take(self) -> list[str]:
        """Names of the files that have another content than when this was last asked."""
        before, self._contents, self._since = self._contents, self._read(), 0.0
        names = sorted(before.keys() | self._contents.keys())
        return [name for name in names if before.get(name) != self._contents.get(name)]


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
