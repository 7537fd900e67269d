"""A runner that records the commands, and lets a fake engine apply them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from docktasks.commands import Result
from tests.unit.fakes.engine import FakeEngine


class Runner:
    """Records every command line, and answers by what it begins with; where it knows none, the engine obeys."""

    def __init__(
        self, engine: FakeEngine | None = None, answers: Mapping[str, Result] | None = None, *, dry: bool = False
    ) -> None:
        self.engine, self.answers, self.dry = engine, dict(answers or {}), dry
        self.ran: list[list[str]] = []

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Note the command, and answer it."""
        assert isinstance(quiet, bool)
        self.ran.append(args)
        return self._answered(args)

    def _answered(self, args: list[str]) -> Result:
        if is_script(args):
            return self._script(args[-1])
        line = shlex.join(args)
        for beginning, answer in self.answers.items():
            if line.startswith(beginning):
                return answer
        return self.engine.apply(args) if self.engine is not None else Result()

    def _script(self, text: str) -> Result:
        """Do what containers.move_args has a shell do."""
        does, undoes = _parts(text)
        results: list[Result] = []
        for args in does:
            results.append(self._answered(args))
            if not results[-1].ok:
                break
        else:
            return results[-1]
        for args in undoes:
            self._answered([HELD.get(word, word) for word in args])
        return replace(results[-1], code=1)

    @property
    def lines(self) -> list[str]:
        """What was run, as a reader would type it."""
        return [shlex.join(args) for args in self.ran]

    @property
    def verbs(self) -> list[str]:
        """What was run, in short: `run shop-prod`, `rename shop-prod-next shop-prod`, `carry add 0a1b2c3d4e5f`."""
        return [_short(args) for args in self.ran]


def is_script(args: list[str]) -> bool:
    """True for the command of containers.move_args."""
    return args[-2:-1] == ["-c"] and args[-1].startswith("docker container stop ")


HELD = {"$holder": "hello-dock-prod-port"}


def _parts(text: str) -> tuple[list[list[str]], list[list[str]]]:
    """The commands of a script, and those that undo it: `a && b=$(c) && d || { e ; f ; exit 1 ; }`."""
    words = shlex.split(text)
    middle = words.index("||")
    does = [_captured(args) for args in _split(words[:middle], "&&")]
    *undoes, failure = _split(words[middle + 2 : -2], ";")
    assert failure == ["exit", "1"]
    return does, undoes


def _split(words: list[str], sign: str) -> list[list[str]]:
    places = [-1, *(place for place, word in enumerate(words) if word == sign), len(words)]
    return [words[start + 1 : end] for start, end in pairwise(places)]


def _captured(args: list[str]) -> list[str]:
    if not args[0].startswith("holder=$("):
        return args
    return shlex.split(shlex.join([args[0].removeprefix("holder=$("), *args[1:-1], args[-1].removesuffix(")")]))


def _short(args: list[str]) -> str:
    if is_script(args):
        return f"{', '.join(map(_short, _parts(args[-1])[0]))} in one"
    if "carry" in args:
        return " ".join(args[args.index("carry") :])
    named = args[args.index("--name") + 1 :][:1] if "--name" in args else args[3:]
    if "-t" in named:  # its seconds are no name
        named = named[named.index("-t") + 2 :]
    return " ".join([args[2], *(word for word in named if not word.startswith("-"))])
