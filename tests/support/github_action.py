"""Run the shell part of a composite action as a runner of GitHub does, step by step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docktasks.app.manifest import read_yaml
from docktasks.commands import Result
from tests.support.commands import run_command

EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


class CompositeAction:
    """The action in a folder, with its inputs. `environ` is what its steps find in the environment, besides their own.

    Its steps that use another action are not run. An expression may have names, texts, ==, !=, && and ||.
    """

    def __init__(self, folder: Path, scratch: Path, environ: Mapping[str, str], **inputs: str) -> None:
        self.content = read_yaml(folder / "action.yml")
        self.scratch, self.outputs, self.failed = scratch, scratch / "output", False
        self.values = {name: str(about.get("default", "")) for name, about in self.content["inputs"].items()} | inputs
        self.values = {f"inputs.{name}": value for name, value in self.values.items()}
        self.values |= {"github.workspace": str(scratch), "runner.temp": str(scratch / "temp"), "always()": "true"}
        self.environ = dict(environ) | {
            "GITHUB_ACTION_PATH": str(folder), "GITHUB_ENV": str(scratch / "env"), "GITHUB_OUTPUT": str(self.outputs),
            "GITHUB_WORKSPACE": str(scratch), "RUNNER_TEMP": str(scratch / "temp"), "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "tests", "GITHUB_SHA": "a" * 40,
        }  # fmt: skip
        (scratch / "temp").mkdir(exist_ok=True)

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps that are shell scripts and whose condition holds."""
        steps: list[dict[str, Any]] = self.content["runs"]["steps"]
        return [step for step in steps if "run" in step and self._holds(step.get("if", "always()"))]

    def run(self, *prefix: str) -> Iterator[tuple[str, Result]]:
        """Run the steps with a command such as `nsenter` before each, and yield their names and results.

        A failed step ends the run.
        """
        for step in self.steps:
            (self.scratch / "env").touch()
            written = (line.partition("=") for line in (self.scratch / "env").read_text().splitlines())
            environ = self.environ | {name: value for name, _, value in written}
            environ |= {name: self._text(str(value)) for name, value in step.get("env", {}).items()}
            shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            result = run_command([*prefix, *shell], self.scratch, environ)
            yield step["name"], result
            if not result.ok:
                return

    def _text(self, text: str) -> str:
        return EXPRESSION.sub(lambda match: self._value(match[1]), text)

    def _value(self, expression: str) -> str:
        """Return the first value of names that are joined by ||."""
        return next((value for name in expression.split(" || ") if (value := self.values.get(name, ""))), "")

    def _holds(self, condition: str) -> bool:
        return any(all(map(self._is_true, part.split(" && "))) for part in condition.split(" || "))

    def _is_true(self, term: str) -> bool:
        name, operator, text = re.fullmatch(r"(\S+)(?: (==|!=) '(.*)')?", term.strip()).groups()  # type: ignore[union-attr]
        value = self.values[name]
        return bool(value) if operator is None else (value == text) is (operator == "==")
