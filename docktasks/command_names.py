"""The name under which the user runs a task. Texts say `invoke run-prod`; each is shown with the user's own command."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

INVOKE = re.compile(r"\binvoke (?P<flags>(?:--?\w[\w-]*(?:=\S+)? )*)(?P<word>[a-z][\w-]*|--list|--help)")
"""A command of ours in a text, or in a help page, as far as the name of its task."""

_names: dict[str, str] = {}
_program = "invoke"


def remember(program: str, names: Mapping[str, str]) -> None:
    """Keep the program that the user runs, and what it calls our tasks: `docker.run-prod` by `run-prod`."""
    global _program  # noqa: PLW0603 - one process is one command
    _program = program
    _names.clear()
    _names.update(names)


def program() -> str:
    """Return the command that the user runs, such as `invoke`, `inv` or `uvx hello-dock`."""
    return _program


def spelled(text: str) -> str:
    """Return a text with the user's own command in place of `invoke TASK`."""

    def own(match: re.Match[str]) -> str:
        word = match["word"]
        if not (word in _names or word.startswith("-")):
            return match[0]
        return f"{_program} {match['flags']}{_names.get(word, word)}"

    return INVOKE.sub(own, text)


def of_this_process(called_as: str) -> str:
    """Return the command for a program that was started under a name. uvx and pipx run it from a place of their own."""
    if called_as.startswith("__main__"):  # python -m invoke
        return "invoke"
    parts = Path(sys.prefix).parts
    if called_as == "hello-dock" and "uv" in parts and {"archive-v0", "environments-v2"} & set(parts):
        return "uvx hello-dock"
    if called_as == "hello-dock" and "pipx" in parts and ".cache" in parts[parts.index("pipx") :]:
        return "pipx run hello-dock"
    return called_as
