"""The beginning of every task: the validated settings, the project, and errors as one clear message."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit

from docktasks import waiting
from docktasks.app.manifest import parse_yaml
from docktasks.app.runner import Runner, root_of
from docktasks.command_names import spelled

# Modules that import docker or httpx are imported where they are used, so that `invoke --list` stays fast.
if TYPE_CHECKING:
    from docktasks.app.project import Project
    from docktasks.engine.protocol import Engine
    from docktasks.settings import Settings

NO_ATTESTATIONS = "BUILDX_NO_DEFAULT_ATTESTATIONS"
"""For every build. An attestation has the build's time, so each build would be another image in containerd's store. Not
by --provenance=false, which an older CLI refuses:
https://docs.docker.com/build/building/variables/#buildx_no_default_attestations."""

Overrides = Mapping[str, Mapping[str, str]]
"""Settings that a flag of one call changes, by section and key."""


def exit_with(code: int) -> None:
    """End the task with the exit code of a command."""
    if code:
        raise Exit(code=code)


@contextmanager
def exit_on_error(*, attended: bool = False) -> Iterator[None]:
    """Turn our errors into one clear message and exit code 1. A closed terminal ends only an `attended` task."""
    from docktasks.errors import DockError
    from docktasks.workspace import writing

    try:
        with waiting.terminate_as_interrupt(survive_hangup=not attended), writing():
            yield
    except DockError as error:
        raise Exit(f"\n{spelled(str(error))}", code=1) from error
    except KeyboardInterrupt as interrupt:
        number = interrupt.args[0] if interrupt.args else signal.SIGINT
        text = "\nInterrupted. See what serves now: invoke status"
        raise Exit(spelled(text), code=128 + number) from interrupt


@contextmanager
def session(
    c: Context,
    overrides: Overrides | None = None,
    *,
    attended: bool = False,
    looks: bool = False,
    needs_app: bool = True,
) -> Iterator[Project]:
    """Yield the project that a task works on. Under --dry only a task that `looks` asks the engine what is there.

    Without `needs_app` the task is for the machine or for an address, and an app need not be there.
    """
    from docktasks.app.project import Project
    from docktasks.engine import connect
    from docktasks.engine.dry_run import DryRunEngine
    from docktasks.errors import EngineError
    from docktasks.progress import print_notices

    with exit_on_error(attended=attended):
        settings, run = load_settings(c, overrides, needs_app=needs_app), Runner(c)
        os.environ.setdefault(NO_ATTESTATIONS, "1")
        with connect.sdk_errors_as_ours():
            engine: Engine = DryRunEngine(settings.app.name) if run.dry else connect.connect_in_background()
            if run.dry and looks:
                try:
                    engine = connect.connect()
                except EngineError as error:
                    print_notices([f"{error.what} The commands are for one dev and one production container."])
            yield Project(run, engine, settings, run.progress)


def load_settings(c: Context, overrides: Overrides | None = None, *, needs_app: bool = True) -> Settings:
    """Return the validated settings, with those of the app and the overrides of this call.

    Raises SettingsError, and AppError where a task needs an app and there is none, or more than one.
    """
    from docktasks import settings
    from docktasks.app import sources
    from docktasks.app.app_file import AppFile

    root, config = root_of(c.config), c.config
    values = sources.defaults(root, config._project)  # noqa: SLF001 - as below
    flags = {name: {key: value for key, value in keys.items() if value} for name, keys in (overrides or {}).items()}
    # The levels of Invoke's configuration one by one, because the app's file comes between them.
    own = sources.of_every_repository(values)
    below = (own, config._collection, config._system, config._user, config._project)  # noqa: SLF001
    call = (config._runtime, config._overrides, config._modifications, flags)  # noqa: SLF001
    above = (sources.of_environment(values, os.environ), *call)
    app_dir = sources.app_dir(root, sources.merged(*below, *above), needs_app=needs_app)
    app_file = AppFile.read(root, app_dir, parse_yaml) if app_dir else AppFile()
    merged = sources.merged(*below, app_file.settings, *above)
    sources.name_project(root, merged, app_dir, dry=bool(config.run.dry) or not needs_app)
    default_ports = sources.fill_ports(merged, values)
    environ = sources.variables_of_ours(root, values, os.environ)
    loaded = settings.load(root, merged, environ, Config.global_defaults(), app_file)
    return replace(loaded, default_ports=default_ports)
