"""The collection of tasks: listed in the order of their use, with a command line that is parsed strictly."""

from __future__ import annotations

import functools
import inspect
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from invoke.collection import Collection
from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit, ParseError
from invoke.parser.parser import ParseMachine
from invoke.program import Program
from invoke.tasks import Task
from invoke.util import yaml  # type: ignore[attr-defined]  # the reader of invoke.yaml

from docktasks import command_names, resources
from docktasks.app import streams
from docktasks.app.runner import is_quiet
from docktasks.errors import SettingsError
from docktasks.mistyped import closest

_make_pairs = Program._make_pairs  # noqa: SLF001 - the one place where the list is made
_make_parser = Program._make_parser  # noqa: SLF001 - all tasks have their names there, and none has run
_load_project = Config.load_project
_see_value, _switch_to_flag = ParseMachine.see_value, ParseMachine.switch_to_flag
_complete_flag, _handle = ParseMachine.complete_flag, ParseMachine.handle

_positions: dict[Any, int] = {}
"""The position in the list of each of our tasks, by its function. A repository may have others next to them."""

_own_names: set[str] = set()
"""What this call names our tasks, such as docker.run-prod."""

IN_CHECKOUT = {"bench", "compare"}
"""The tasks that measure this project itself, and that its package does not have."""

RESULT_ONLY = {"clean", "logs", "releases", "shell", "status", "stop"}
"""The tasks that print nothing but their result, so that they need no flag --quiet."""


def keep_bytecode(program: Program | None = None) -> None:
    """Let Python keep our compiled modules, which Invoke forbids. In another repository it would keep others', too."""
    if resources.is_checkout(resources.PACKAGE.parent) or (program and program.namespace is not None):
        sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)


keep_bytecode()


def compose(tasks: Sequence[Task[Any]]) -> Collection:
    """Return a collection of these tasks, and replace what Invoke does too loosely. No closed output ends a task now.

    https://github.com/pyinvoke/invoke/tree/3.0.3/invoke sorts the list, and parses flags without a value.
    """
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
    for method in (complete_flag, switch_to_flag, see_value, handle):
        setattr(ParseMachine, method.__name__, method)
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
    _own_names.update(tasks)
    for task in tasks.values():
        task.__doc__ = command_names.spelled(task.__doc__ or "")
        task.help = {flag: command_names.spelled(text) for flag, text in task.help.items()}
    return _make_parser(program)


def _is_own(machine: Any) -> bool:
    """Return True for words of our tasks, and for those before any task. Other tasks are parsed as Invoke does."""
    return not machine.context.name or machine.context.name in _own_names


def complete_flag(machine: Any) -> None:
    """End a flag. Raises ParseError when it has no value and needs one."""
    flag = machine.flag
    if _is_own(machine) and flag and flag.takes_value and not flag.optional and not machine.flag_got_value:
        raise _no_value(machine)
    _complete_flag(machine)


def switch_to_flag(machine: Any, name: str, inverse: bool = False) -> None:  # noqa: FBT001, FBT002 - as Invoke's own
    """Begin a flag. Raises ParseError when it is given for the second time, and only one value counts."""
    main_name = machine.context.inverse_flags[name] if inverse else name
    flag = machine.context.flags.get(main_name) or machine.initial.flags[main_name]
    complete_flag(machine)
    if _is_own(machine) and flag.kind is not list and flag.raw_value is not None:
        raise _error(machine, f"{main_name} is given twice.", flag.help, "Give it once")
    _switch_to_flag(machine, name, inverse)


def see_value(machine: Any, value: str) -> None:
    """Take a flag's value. Raises ParseError for an empty one, and for one that looks like a flag."""
    if _is_own(machine) and (not value or value.startswith("-")):
        raise _no_value(machine, f": {value} looks like a flag" if value else "")
    _see_value(machine, value)


def handle(machine: Any, word: str) -> None:
    """Take a word. Raises ParseError for one that is no flag, value or task, and names a similar one."""
    try:
        _handle(machine, word)
    except ParseError as error:
        if not str(error).startswith("No idea what"):
            raise
        task, is_flag = machine.context.name or "", word.startswith("-")
        flags = (*machine.context.flags, *machine.context.inverse_flags, *machine.initial.flags)
        if word in IN_CHECKOUT:
            raise _no_measurement(machine, word) from error
        similar = closest(word, flags if is_flag else machine.contexts)
        own = command_names.program()
        what = f"{task or own} has no flag {word}." if is_flag else f"There is no task {shlex.quote(word)}."
        why = f"Each word after {task} is a flag of it or another task. Words for a tool follow `--`." if task else ""
        all_names = f"--help {task}" if is_flag else "--list"
        how = f"Did you mean {similar[0]}?" if similar else f"See what there is: {own} {all_names.strip()}"
        raise _error(machine, what, why, how) from error


def _no_value(machine: Any, reason: str = "") -> ParseError:
    name = f"--{machine.flag.names[0]}"
    return _error(machine, f"{name} has no value{reason}.", machine.flag.help, f"Give one: {name}=VALUE")


def _no_measurement(machine: Any, word: str) -> ParseError:
    why = "It measures hello-dock itself, next to its peers. The package has no measurements."
    how = f"Run it in a checkout of hello-dock: invoke {word} (its charts: {resources.install_extra('bench')})"
    return _error(machine, f"{word} is not in the package.", why, how)


def _error(machine: Any, what: str, why: str, how: str) -> ParseError:
    return ParseError(f"\n{command_names.spelled(str(SettingsError(what, why, how)))}", machine.context)
