"""Names of projects for measurements, and what a measurement leaves that was killed.

A name is held by a lock on a file in the cache folder. The kernel releases the lock with the process, also of one that
is killed. The next measurement then removes everything that has the name.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from docktasks import workspace
from docktasks.app.project import Project
from docktasks.commands import Run
from docktasks.engine.client import DockerEngine
from docktasks.housekeeping import cleanup
from docktasks.labels import BUILT_FOR
from docktasks.settings import Settings

SUFFIX = ".measured"


@contextmanager
def held_names(run: Run, engine: DockerEngine, settings: Settings) -> Iterator[Callable[[], str]]:
    """Yield a function that makes names of projects, and holds them. First, remove what killed measurements left."""
    folder = workspace.cache_folder(settings.root)
    for name in _abandoned_names(folder):
        print(f"! Removing what an earlier measurement left: {name}", flush=True)
        remove(run, engine, settings, name)
    with ExitStack() as stack:

        def hold() -> str:
            name = new_name()
            path = folder / f"{name}{SUFFIX}"
            stack.callback(path.unlink, missing_ok=True)
            stack.enter_context(FileLock(path))
            return name

        yield hold


def new_name() -> str:
    """A project name that no other project has."""
    return f"hd-{secrets.token_hex(4)}"


def _abandoned_names(folder: Path) -> Iterator[str]:
    """Yield each name that no process holds any more. Its file goes when the caller has removed what has the name."""
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(Timeout), FileLock(path, timeout=0):
            yield path.name.removesuffix(SUFFIX)
            path.unlink(missing_ok=True)


def remove(run: Run, engine: DockerEngine, settings: Settings, name: str) -> None:
    """Remove the containers, volumes, images and networks of a project and of its cold builds, and their files."""
    for project_name in (name, f"{name}-cold"):
        project = Project(run, engine, replace(settings, app=replace(settings.app, name=project_name)))
        cleanup.clean(project)
        images = f"label={BUILT_FOR}={project_name}"
        run(["docker", "image", "prune", "--all", "--force", "--filter", images], quiet=True)
    networks = [network.name for network in engine.client.networks.list() if network.name.startswith(name)]
    if networks:
        run(["docker", "network", "rm", *networks], quiet=True)
    for path in workspace.cache_folder(settings.root).glob(f"*{name}*"):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.suffix != SUFFIX:
            path.unlink()
