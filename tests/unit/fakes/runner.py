"""A runner that records the commands, and lets a fake engine apply them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from docktasks.commands import Result
from tests.unit.fakes.engine import FakeEngine


class Runner:
    """Records every command. `answers` has results by the beginning of a command; the engine applies the others."""

    def __init__(
        self, engine: FakeEngine | None = None, answers: Mapping[str, Result] | None = None, *, dry: bool = False
    ) -> None:
        self.engine, self.answers, self.dry = engine, dict(answers or {}), dry
        self.ran: list[list[str]] = []
        self.attached: list[list[str]] = []
        self.attached_code: int | None = 0

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Record a command, and return its result."""
        assert isinstance(quiet, bool)
        self.ran.append(args)
        return self._result(args)

    def attach(self, args: list[str], end: Callable[[], object] = lambda: None) -> int:
        """Record a command on the terminal. Return its code, or with None behave as after a Ctrl-C."""
        self.attached.append(args)
        if self.attached_code is None:
            end()
            raise KeyboardInterrupt
        return self.attached_code

    def _result(self, args: list[str]) -> Result:
        line = shlex.join(args)
        for beginning, result in self.answers.items():
            if line.startswith(beginning):
                return result
        return self.engine.apply(args) if self.engine is not None else Result()

    @property
    def lines(self) -> list[str]:
        """The commands, as a user would type them."""
        return [shlex.join(args) for args in self.ran]

    @property
    def verbs(self) -> list[str]:
        """The commands in short: `run shop-prod`, `rename shop-prod-next shop-prod`, `carry add 0a1b2c3d4e5f`."""
        return [_short(args) for args in self.ran]


def _short(args: list[str]) -> str:
    if args[1] == "network":
        return f"network {args[2]} {args[-1]}"
    if "carry" in args:
        return " ".join(args[args.index("carry") :])
    names = args[args.index("--name") + 1 :][:1] if "--name" in args else args[3:]
    if "-t" in names:  # followed by seconds
        names = names[names.index("-t") + 2 :]
    return " ".join([args[2], *(word for word in names if not word.startswith("-"))])
