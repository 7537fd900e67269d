"""The project that a task works on: its settings, its app, the engine, and the runner of its commands."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property

from docktasks.app.package import App
from docktasks.commands import Result, Run
from docktasks.engine.protocol import Engine
from docktasks.errors import DockError
from docktasks.progress import Progress
from docktasks.settings import Settings
from docktasks.workspace import project_lock


@dataclass(frozen=True)
class Project:
    """The runner of commands, the engine, the settings and the progress of a task. Most functions take it first."""

    run: Run
    engine: Engine
    settings: Settings
    progress: Progress = field(default_factory=Progress)

    @property
    def dry(self) -> bool:
        """True when commands are shown and not run, and the engine is not asked."""
        return self.run.dry

    @cached_property
    def app(self) -> App:
        """The app as package.json describes it, read once a task. Raises AppError."""
        return App.load(self.settings)

    def run_or_raise(self, args: list[str], error: DockError, *, quiet: bool = True) -> Result:
        """Run a command that has to succeed, and return its result.

        Raises the error, with the last lines of the output as its evidence.
        """
        result = self.run(args, quiet=quiet)
        if not result.ok:
            error.evidence = result.tail(10)
            raise error
        return result

    def lock(self) -> AbstractContextManager[None]:
        """Hold the project's lock, so that only one task at a time changes its containers. Raises ConflictError."""
        return nullcontext() if self.dry else project_lock(self.settings.root, self.settings.app.name)
