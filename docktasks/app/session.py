"""The beginning of every task: the validated settings, the project, and errors as one clear message."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.config import Config, DataProxy
from invoke.context import Context
from invoke.exceptions import Exit

from docktasks import waiting
from docktasks.app.manifest import parse_yaml
from docktasks.app.runner import Runner

# Modules that import docker, httpx or rich are imported where they are used, so that `invoke --list` stays fast.
if TYPE_CHECKING:
    from docktasks.app.project import Project
    from docktasks.engine.protocol import Engine
    from docktasks.settings import Settings

ROOT = Path(__file__).parents[2]

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
        raise Exit(f"\n{error}", code=1) from error
    except KeyboardInterrupt as interrupt:
        number = interrupt.args[0] if interrupt.args else signal.SIGINT
        text = "\nInterrupted. See what serves now: invoke status"
        raise Exit(text, code=128 + number) from interrupt


@contextmanager
def session(
    c: Context, overrides: Overrides | None = None, *, attended: bool = False, looks: bool = False
) -> Iterator[Project]:
    """Yield the project that a task works on. Under --dry only a task that `looks` asks the engine what is there."""
    from docktasks.app.project import Project
    from docktasks.engine import connect
    from docktasks.engine.dry_run import DryRunEngine
    from docktasks.errors import EngineError
    from docktasks.progress import print_notices

    with exit_on_error(attended=attended):
        settings, run = load_settings(c, overrides), Runner(c)
        os.environ.setdefault(NO_ATTESTATIONS, "1")
        with connect.sdk_errors_as_ours():
            engine: Engine = DryRunEngine(settings.app.name) if run.dry else connect.connect_in_background()
            if run.dry and looks:
                try:
                    engine = connect.connect()
                except EngineError as error:
                    print_notices([f"{error.what} The commands are for one dev and one production container."])
            yield Project(run, engine, settings, run.progress)


def load_settings(c: Context, overrides: Overrides | None = None) -> Settings:
    """Return the validated settings, with those of the app and the overrides of this call. Raises SettingsError."""
    from docktasks import settings
    from docktasks.app.app_file import AppFile

    config = {name: dict(part) if isinstance(part, DataProxy) else part for name, part in c.config.items()}
    app = config.get("app")
    app_dir = str(app.get("dir") or "") if isinstance(app, dict) else ""
    app_file = AppFile.read(ROOT, app_dir, parse_yaml) if app_dir else AppFile()
    config = app_file.applied(config, _fixed_keys(c.config))
    for section, values in (overrides or {}).items():
        if isinstance(config.get(section), dict):
            config[section] |= {key: value for key, value in values.items() if value}
    return settings.load(ROOT, config, os.environ, Config.global_defaults(), app_file)


def _fixed_keys(config: Config) -> set[str]:
    """Return the keys whose values come from the environment or from `invoke --config FILE`, such as prod.memory."""
    levels = (config._env, config._runtime)  # noqa: SLF001 - Invoke has no other way to tell a value's origin
    return {
        f"{section}.{key}"
        for level in levels
        for section, values in level.items()
        if isinstance(values, Mapping)
        for key in values
    }
