"""The parser of the command line, which is strict with our tasks: Invoke would take a flag for the value of another.

https://github.com/pyinvoke/invoke/blob/3.0.3/invoke/parser/parser.py
"""

from __future__ import annotations

import shlex
from typing import Any

from invoke.exceptions import ParseError
from invoke.parser import parser
from invoke.parser.parser import ParseMachine

from docktasks import command_names, resources
from docktasks.errors import SettingsError
from docktasks.mistyped import closest

IN_CHECKOUT = {"bench", "compare"}
"""The tasks that measure this project itself, and that its package does not have."""

own_names: set[str] = set()
"""What this call names our tasks, such as docker.run-prod."""


class StrictMachine(ParseMachine):
    """Reads the words of a command line one by one. Other tasks than ours are parsed as Invoke does."""

    @property
    def is_own(self) -> bool:
        """True for words of our tasks, and for those before any task."""
        return not self.context.name or self.context.name in own_names

    def complete_flag(self) -> None:
        """End a flag. Raises ParseError when it has no value and needs one."""
        flag: Any = self.flag
        if self.is_own and flag and flag.takes_value and not flag.optional and not self.flag_got_value:
            raise self._no_value()
        super().complete_flag()

    def switch_to_flag(self, flag: str, inverse: bool = False) -> None:  # noqa: FBT001, FBT002 - as Invoke's own
        """Begin a flag. Raises ParseError when it is given for the second time, and only one value counts."""
        main_name = self.context.inverse_flags[flag] if inverse else flag
        argument = self.context.flags.get(main_name) or self.initial.flags[main_name]
        self.complete_flag()
        if self.is_own and argument.kind is not list and argument.raw_value is not None:
            raise self._error(f"{main_name} is given twice.", argument.help, "Give it once")
        super().switch_to_flag(flag, inverse)

    def see_value(self, value: str) -> None:
        """Take a flag's value. Raises ParseError for an empty one, and for one that looks like a flag."""
        if self.is_own and (not value or value.startswith("-")):
            raise self._no_value(f": {value} looks like a flag" if value else "")
        super().see_value(value)

    def handle(self, token: str) -> None:
        """Take a word. Raises ParseError for one that is no flag, value or task, and names a similar one."""
        try:
            super().handle(token)
        except ParseError as error:
            if not str(error).startswith("No idea what"):
                raise
            raise self._unknown(token) from error

    def _unknown(self, word: str) -> ParseError:
        if word in IN_CHECKOUT:
            why = "It measures hello-dock itself, next to its peers. The package has no measurements."
            how = f"Run it in a checkout of hello-dock: invoke {word} (its charts: {resources.install_extra('bench')})"
            return self._error(f"{word} is not in the package.", why, how)
        task, is_flag, own = self.context.name or "", word.startswith("-"), command_names.program()
        flags = (*self.context.flags, *self.context.inverse_flags, *self.initial.flags)
        similar = closest(word, flags if is_flag else self.contexts)
        what = f"{task or own} has no flag {word}." if is_flag else f"There is no task {shlex.quote(word)}."
        why = f"Each word after {task} is a flag of it or another task. Words for a tool follow `--`." if task else ""
        all_names = f"--help {task}" if is_flag else "--list"
        how = f"Did you mean {similar[0]}?" if similar else f"See what there is: {own} {all_names.strip()}"
        return self._error(what, why, how)

    def _no_value(self, reason: str = "") -> ParseError:
        flag: Any = self.flag
        name = f"--{flag.names[0]}"
        return self._error(f"{name} has no value{reason}.", flag.help, f"Give one: {name}=VALUE")

    def _error(self, what: str, why: str, how: str) -> ParseError:
        return ParseError(f"\n{command_names.spelled(str(SettingsError(what, why, how)))}", self.context)


# Invoke's metaclass gives each class states of its own.
for name in ("_class_states", "_class_transitions"):
    setattr(StrictMachine, name, getattr(ParseMachine, name))


def install() -> None:
    """Let Invoke parse command lines strictly from now on."""
    parser.ParseMachine = StrictMachine  # type: ignore[misc]
