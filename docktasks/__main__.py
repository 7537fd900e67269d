"""The command hello-dock: the tasks of tasks.py in any repository with a Vite app, without a file added to it."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.program import Program

from docktasks import __version__, resources
from docktasks.app import repository

TASKS = "docktasks.tasks"
"""The module that tasks.py is in the package. In a checkout it stands next to the package, and gets the same name."""


class HelloDock(Program):
    """Invoke's program with our tasks. The repository is that of the folder in which it is called."""

    def core_args(self) -> list[Argument]:
        """Return Invoke's flags, and the one that names the app."""
        return [*super().core_args(), Argument(name="app", help="The folder of the Vite app, where there are several.")]

    def parse_collection(self) -> None:
        """Read the repository's own invoke.yaml, too."""
        super().parse_collection()
        self.config.set_project_location(repository.root_from(Path.cwd()))
        self.config.load_project()

    def update_config(self, merge: bool = True) -> None:  # noqa: FBT001, FBT002 - as Invoke's own
        """Add the flags to the settings."""
        super().update_config(merge=False)
        if folder := self.args["app"].value:
            overrides = {**self.config._overrides, "app": {"dir": str(Path(folder).absolute())}}  # noqa: SLF001
            self.config.load_overrides(overrides, merge=False)
        if merge:
            self.config.merge()


def load_tasks() -> Any:
    """Return the module tasks.py, loaded as Invoke loads it: by its path."""
    path = resources.path(resources.PACKAGE.parent, "tasks.py")
    spec = spec_from_file_location(TASKS, path)
    if spec is None or spec.loader is None:
        raise Exit(f"{path} cannot be loaded.", code=1)
    module = sys.modules[TASKS] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Run the command."""
    namespace: Collection = load_tasks().namespace
    HelloDock(__version__, namespace, name="hello-dock", binary="hello-dock", binary_names=["hello-dock"]).run()


if __name__ == "__main__":
    main()
