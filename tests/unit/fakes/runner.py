"""A runner that records the commands, and lets a fake engine apply them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

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
        line = shlex.join(args)
        for beginning, answer in self.answers.items():
            if line.startswith(beginning):
                return answer
        return self.engine.apply(args) if self.engine is not None else Result()

    @property
    def lines(self) -> list[str]:
        """What was run, as a reader would type it."""
        return [shlex.join(args) for args in self.ran]

    @property
    def verbs(self) -> list[str]:
        """What was run, in short: `run shop-prod`, `rename shop-prod-next shop-prod`, `carry add 0a1b2c3d4e5f`."""
        return [_short(args) for args in self.ran]


def _short(args: list[str]) -> str:
    if "carry" in args:
        return " ".join(args[args.index("carry") :])
    named = args[args.index("--name") + 1 :][:1] if "--name" in args else args[3:]
    if "-t" in named:  # its seconds are no name
        named = named[named.index("-t") + 2 :]
    return " ".join([args[2], *(word for word in named if not word.startswith("-"))])
