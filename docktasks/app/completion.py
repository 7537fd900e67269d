"""Completion of a flag's value in a shell. Invoke completes tasks and flags only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.program import Program

FlagValues = Mapping[str, Callable[[Context], Iterable[str]]]
"""What completes the value of a flag, by its name without dashes. A flag means the same in each task that has it."""

_parse_cleanup = Program.parse_cleanup


def install(flag_values: FlagValues) -> None:
    """Let `invoke --complete`, which the scripts of --print-completion-script call, print values, too."""

    def parse_cleanup(program: Any) -> None:
        if program.args.complete.value:
            flags = {name: flag for context in program.parser.contexts.values() for name, flag in context.flags.items()}
            prefix, name = value_position(program.core.remainder.split()[1:])
            if name.lstrip("-") in flag_values and name in flags:
                program.update_config()
                with suppress(Exit):  # a message of an error would be in the middle of what the user types
                    for value in flag_values[name.lstrip("-")](Context(program.config)):
                        sys.stdout.write(f"{prefix}{value}\n")
                raise Exit
        _parse_cleanup(program)

    Program.parse_cleanup = parse_cleanup  # type: ignore[method-assign, assignment]


def value_position(words: list[str]) -> tuple[str, str]:
    """Return the flag whose value ends the words of a command line, after what a candidate has to begin with.

    Both are empty for another end. bash separates `--only=http` into three words, zsh and fish leave it as one. None of
    them passes on that the last word is empty.
    """
    first, before, last = ["", "", "", *words][-3:]
    if last.startswith("--") and "=" in last:
        return f"{last.partition('=')[0]}=", last.partition("=")[0]
    if "=" in (last, before):
        return "", before if last == "=" else first
    return "", last if last.startswith("--") else before
