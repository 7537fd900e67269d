"""The commands that a script of package.json runs in the end, through scripts that call others."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from docktasks.app.package import LOCK_FILES
from docktasks.resources import table

PROGRAMS: dict[str, Any] = table(__file__, "programs.json")
"""Programs that scripts run, by what they do: whose dev server is Vite's, which build a site, which start no server."""

MANAGERS = {*LOCK_FILES.values()}
RUN_WORDS = {"run", "run-script"}
EXEC_WORDS = {"exec", "x", "dlx"}
LAUNCHERS = {"cross-env", "cross-env-shell", "env", "exec", "npx", "pnpx", "bunx", "time", "nice", "dotenv", "dotenvx"}
"""Programs that run the command after them, with its arguments."""

SCRIPT_RUNNERS = {"npm-run-all", "npm-run-all2", "run-p", "run-s"}
COMMAND_RUNNERS = {"concurrently", "conc"}
"""Programs that run several scripts, or commands, and keep arguments for themselves."""

VALUE_OPTIONS = {"-n", "--names", "-c", "--prefix-colors", "-p", "--prefix", "-s", "--success", "-m", "--max-processes"}
"""Options of COMMAND_RUNNERS whose value is the next word."""

MISSING = "script"
"""The first word of a command that stands for a script which package.json does not have."""

VARIABLE = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
OPERATOR = re.compile(r"[;&|()]+")
OTHER_FOLDER = re.compile(r"(-w|--workspace|--workspaces|-F|--filter|-r|--recursive|-C|--prefix|--cwd|--dir)(=.*)?")
"""Options by which a manager runs the script of another package."""


@dataclass(frozen=True)
class Command:
    """A program with its arguments, without variables and launchers before it.

    `is_last` is True when arguments after the script's name become arguments of this command.
    """

    words: tuple[str, ...]
    is_last: bool = False

    @property
    def program(self) -> str:
        """The name of the program, without its folder."""
        return self.words[0].rpartition("/")[2]


def commands(scripts: Mapping[str, str], name: str, above: frozenset[str] = frozenset()) -> Iterator[Command]:
    """Yield the commands that a script runs. `above` are the scripts that call it, which are not followed again."""
    yield from _of_text(scripts, str(scripts.get(name, "")), above | {name})


def _of_text(scripts: Mapping[str, str], text: str, above: frozenset[str]) -> Iterator[Command]:
    lines = list(_split(text))
    for index, words in enumerate(lines):
        for command in _of_words(scripts, words, above):
            yield replace(command, is_last=command.is_last and index == len(lines) - 1)


def _split(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of a line for a shell."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|()")
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        for word in [*lexer, ";"]:
            if not OPERATOR.fullmatch(word):
                words.append(word)
            elif words:
                yield words
                words = []
    except ValueError:  # a quote without its end
        yield text.split()


def _of_words(scripts: Mapping[str, str], words: list[str], above: frozenset[str]) -> Iterator[Command]:
    words = _without_launchers(words)
    if not words:
        return
    program = words[0].rpartition("/")[2]
    own = words[1 : words.index("--")] if "--" in words else words[1:]
    called = _called_script(scripts, program, own)
    if called:
        yield from _of_script(scripts, called, above)
    elif program in SCRIPT_RUNNERS:
        for pattern in (word.partition(" ")[0] for word in own if not word.startswith("-")):
            yield from _of_script(scripts, pattern, above)
    elif program in COMMAND_RUNNERS:
        for text in _texts(own):
            yield from map(_with_no_argument, _of_text(scripts, text, above))
    elif program in MANAGERS - {"npm"} and own and not own[0].startswith("-"):
        yield Command(tuple(words[1:]), is_last=True)  # `yarn vite` runs the program vite
    else:
        yield Command(tuple(words), is_last=True)


def _of_script(scripts: Mapping[str, str], pattern: str, above: frozenset[str]) -> Iterator[Command]:
    """Yield the commands of the scripts that a pattern such as dev:* names; (MISSING, name) where there is none."""
    names = [name for name in scripts if fnmatchcase(name, pattern)]
    if not names:
        yield Command((MISSING, pattern))
    for name in names:
        if name not in above:
            yield from map(_with_no_argument, commands(scripts, name, above))


def _with_no_argument(command: Command) -> Command:
    return replace(command, is_last=False)


def _called_script(scripts: Mapping[str, str], program: str, arguments: Sequence[str]) -> str:
    """Return the script of this package.json that a manager, or `node --run`, runs; an empty text for others."""
    names = [word for word in arguments if not word.startswith("-")]
    if not names or any(OTHER_FOLDER.fullmatch(word) for word in arguments):
        return ""
    if program == "node":
        return names[0] if "--run" in arguments else ""
    if program not in MANAGERS:
        return ""
    if names[0] in RUN_WORDS:
        return next(iter(names[1:]), "")
    is_short = names[0] in ("start", "test") if program == "npm" else names[0] in scripts
    return names[0] if is_short else ""


def _texts(arguments: Sequence[str]) -> Iterator[str]:
    """Yield what `concurrently` runs, as texts for a shell. `npm:dev:*` stands for scripts."""
    before = ""
    for word in arguments:
        if not word.startswith("-") and before not in VALUE_OPTIONS:
            yield re.sub(rf"^({'|'.join(MANAGERS)}|node):", "npm run ", word)
        before = word


def _without_launchers(words: list[str]) -> list[str]:
    """Return the words from the program on that variables, `cross-env`, `npx` or `pnpm exec` stand before."""
    while words:
        if VARIABLE.fullmatch(words[0]):
            words = words[1:]
        elif words[0].rpartition("/")[2] in LAUNCHERS or (
            words[0] in MANAGERS and words[1:2] and words[1] in EXEC_WORDS
        ):
            words = words[2:] if words[0] in MANAGERS else words[1:]
            words = words[words.index("--") + 1 :] if "--" in words else words
            while words and words[0].startswith("-"):
                words = words[1:]
        else:
            return words
    return []
