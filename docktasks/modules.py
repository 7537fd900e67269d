"""node_modules in a volume: named by what is in it, filled from the image, and never used half filled."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

from docktasks import apps, containers
from docktasks.answers import Image, Result, Run
from docktasks.engine import Engine, NoEngine
from docktasks.errors import ConflictError
from docktasks.probes import Probe, wait_until
from docktasks.settings import Settings

FILLING = "-filling"
"""Ends the name of an empty volume that stands beside one that is being filled, from before until after. Docker fills a
volume when the first container with it is made, and takes a half filled one for full; nothing of a volume can be
changed later, neither its name nor its labels."""

INTERVAL = 0.5
"""Seconds between two tries to remove a volume that the engine is still filling."""

QUIET = 0.5
"""Seconds without another change, after which package.json and the lock file are taken to be written to their ends."""


def volume_name(settings: Settings, image: Image) -> str:
    """Name of the volume for node_modules: another lock file, node version or architecture has another volume.

    Without a lock file package.json takes its place.
    """
    named = settings.app_dir / (apps.manager(settings).lock or "package.json")
    parts = [image.environment.get("NODE_VERSION", ""), image.architecture]
    parts.append(hashlib.sha256(named.read_bytes()).hexdigest())
    return f"{_prefix(settings)}{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:12]}"


def _prefix(settings: Settings) -> str:
    return f"{settings.app.name}-modules-"


def volumes(engine: Engine | NoEngine, settings: Settings) -> list[str]:
    """The project's volumes for node_modules, with the marks of those that are being filled."""
    return [name for name in engine.volumes(settings.app.name) if name.startswith(_prefix(settings))]


class Volume:
    """The volume for an image's node_modules: there, or made empty, for the first container with it to fill.

    To be had by who holds the project's lock: then a mark that is there is one of somebody who was interrupted.
    """

    def __init__(self, run: Run, engine: Engine | NoEngine, settings: Settings, image: Image) -> None:
        self._run, self._engine, self._settings = run, engine, settings
        self._there = volumes(engine, settings)
        self.name = volume_name(settings, image)
        mark = self.name + FILLING
        if mark in self._there:
            self._remove(self.name, mark)
        self.fresh = self.name not in self._there
        if self.fresh:
            for name in (mark, self.name):
                run(["docker", "volume", "create", *containers.label_args(settings, "modules"), name], quiet=True)

    def filled(self) -> None:
        """Say that a container with it has been made, so that it is filled."""
        if self.fresh:
            self._run(["docker", "volume", "rm", self.name + FILLING], quiet=True)
            self.fresh = False

    def prune(self) -> None:
        """Remove the volumes of other lock files; one that a container still holds stays, and goes another time."""
        stale = [name for name in self._there if name != self.name]
        if stale:
            self._run(["docker", "volume", "rm", *stale], quiet=True)

    def _remove(self, *names: str) -> None:
        """Remove them, once the engine has ended what an interrupted start had it begin: it copies to the last file."""
        results: list[Result] = []

        def look() -> Probe:
            results.append(self._run(["docker", "volume", "rm", "--force", *names], quiet=True))
            return Probe(results[-1].ok or not self._ends(results[-1]))

        wait_until(look, self._settings.wait.ready, INTERVAL)
        if not results[-1].ok:
            raise ConflictError(
                f"Volume {self.name} is half filled, and a container holds it.",
                "The start that was filling it was interrupted; what is missing nobody knows.",
                "End the container, then again: invoke stop",
                evidence=results[-1].tail(3),
            )
        self._there = [name for name in self._there if name not in names]

    def _ends(self, refused: Result) -> bool:
        """True when what holds a volume will have ended soon: a container of ours that is not yet, or never started."""
        holders = re.findall(r"\b[0-9a-f]{64}\b", refused.output)
        found = [each for each in map(self._engine.container, holders) if each is not None]
        left = [each.name for each in found if each.state == "created" and each.is_of(self._settings.app.name)]
        if left:
            self._run(containers.remove_args(*left), quiet=True)
        return bool(holders) and len(left) == len(found)


class Watch:
    """Notices when package.json or a lock file has another content, by a look at their times and sizes."""

    def __init__(self, settings: Settings) -> None:
        self._paths = [settings.app_dir / name for name in ("package.json", *apps.LOCKS)]
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
