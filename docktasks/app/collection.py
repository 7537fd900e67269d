"""The collection of tasks. compose() makes it, and replaces what Invoke has no setting for.

- Config.load_project: a broken invoke.yaml is a message, and no traceback.
- Program._make_pairs: --list has our tasks in the order of their use.
- Program._make_parser: texts call our tasks what the user typed, such as docker.run-prod.
- ParseMachine: a command line is parsed strictly (strict_parser.py).

https://github.com/pyinvoke/invoke/tree/3.0.3/invoke
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Sequence
from typing import Any

from invoke.collection import Collection
from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.program import Program
from invoke.tasks import Task
from invoke.util import yaml  # type: ignore[attr-defined]  # the reader of invoke.yaml

from docktasks import command_names, resources
from docktasks.app import streams, strict_parser
from docktasks.app.runner import is_quiet
from docktasks.errors import SettingsError

_make_pairs = Program._make_pairs  # noqa: SLF001 - the one place where the list is made
_make_parser = Program._make_parser  # noqa: SLF001 - all tasks have their names there, and none has run
_load_project = Config.load_project

_positions: dict[Any, int] = {}
"""The position in the list of each of our tasks, by its function. A repository may have others next to them."""

RESULT_ONLY = {"clean", "logs", "releases", "shell", "status", "stop"}
"""The tasks that print nothing but their result, so that they need no flag --quiet."""


def keep_bytecode(program: Program | None = None) -> None:
    """Let Python keep our compiled modules, which Invoke forbids. In another repository it would keep others', too."""
    if resources.is_checkout(resources.PACKAGE.parent) or (program and program.namespace is not None):
        sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)


keep_bytecode()


def compose(tasks: Sequence[Task[Any]]) -> Collection:
    """Return a collection of these tasks, and replace what this module names. No closed output ends a task now."""
    streams.protect()
    for position, task in enumerate(tasks):
        has_quiet = "quiet" in inspect.signature(task.body).parameters  # Invoke may import tasks.py a second time
        if task.name not in RESULT_ONLY and not has_quiet:
            _add_quiet(task)
        task.auto_shortflags = False  # a flag of one letter says nothing
        _positions[task.body] = position
    Config.load_project = load_project  # type: ignore[method-assign, assignment]
    Program._make_pairs = make_ordered_pairs  # type: ignore[method-assign, assignment] # noqa: SLF001
    Program._make_parser = make_parser  # type: ignore[method-assign, assignment] # noqa: SLF001
    strict_parser.install()
    return Collection(*tasks)


def load_project(config: Config, merge: bool = True) -> None:  # noqa: FBT001, FBT002 - as Invoke's own
    """Read the repository's invoke.yaml. Raises Exit where it holds no settings: Invoke would end in a traceback."""
    try:
        _load_project(config, merge)
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError) as error:
        what = f"{config._project_prefix}invoke.yaml cannot be read."  # noqa: SLF001 - Invoke does not tell it
        why, how = "It has the settings of this repository.", "Correct it: sections such as `prod:`, with keys below"
        raise Exit(f"\n{SettingsError(what, why, how, str(error))}", code=1) from error


def make_ordered_pairs(
    program: Program, coll: Collection, ancestors: Sequence[str] = ()
) -> list[tuple[str, str | None]]:
    """Make the lines of --list: first our tasks of a collection in their order, then the others in Invoke's."""
    prefix = "".join(f"{name}." for name in ancestors)
    own = {name: _positions[task.body] for name, task in coll.tasks.items() if task.body in _positions}
    pairs = _make_pairs(program, coll, list(ancestors))
    return sorted(pairs, key=lambda pair: own.get(pair[0].strip(" .").removeprefix(prefix), len(_positions)))


def _add_quiet(task: Task[Any]) -> None:
    """Give a task the flag --quiet, which sets run.quiet."""
    body, signature = task.body, inspect.signature(task.body)

    @functools.wraps(body)
    def with_quiet(c: Context, *args: Any, quiet: bool = False, **kwargs: Any) -> None:
        c.config.run.quiet = quiet or is_quiet(c.config)
        body(c, *args, **kwargs)

    flag = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False)
    signature = signature.replace(parameters=[*signature.parameters.values(), flag])
    with_quiet.__signature__ = signature  # type: ignore[attr-defined]  # Invoke reads the flags from it
    task.body, task.help["quiet"] = with_quiet, "Print only the result, warnings and errors."


def make_parser(program: Program) -> Any:
    """Make the parser, and let our texts name our tasks as this call does, such as `inv docker.run-prod`."""
    all_tasks = ((name, program.collection[name]) for name in program.collection.task_names)
    tasks = {name: task for name, task in all_tasks if task.body in _positions}
    names = {task.name.replace("_", "-"): name for name, task in tasks.items()}
    keep_bytecode(program)  # again, because the command hello-dock loads this module before Invoke runs
    called_as = program.called_as if program.namespace is None else program.binary  # hello-dock has its own
    command_names.remember(command_names.of_this_process(called_as), names)
    strict_parser.own_names.update(tasks)
    for task in tasks.values():
        task.__doc__ = command_names.spelled(task.__doc__ or "")
        task.help = {flag: command_names.spelled(text) for flag, text in task.help.items()}
    return _make_parser(program)
