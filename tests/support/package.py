"""The package of this project, built and installed into a virtual environment of its own, and its command."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.checkout import ROOT
from docktasks.commands import Result
from tests.support.commands import clean_environ, run_command


class Package:
    """The wheel, and the folder of an environment that has it and what it needs, and nothing else.

    `checkout` is the one that the wheel is built from. `settings` are settings by the ends of their environment
    variables. The user's folders are those of the test.
    """

    def __init__(self, folder: Path, checkout: Path = ROOT, /, **settings: str) -> None:
        self.venv = folder / "venv"
        user = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CACHE", "STATE")}
        variables = {f"INVOKE_{key}": value for key, value in settings.items()}
        self.environ = clean_environ() | user | variables
        self._run("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder / "dist"), str(checkout))
        (self.wheel,) = (folder / "dist").glob("*.whl")
        self._run("uv", "venv", "--quiet", "--python", sys.executable, str(self.venv))
        self.install(str(self.wheel))

    def install(self, *requirements: str) -> None:
        """Install packages into the environment."""
        self._run("uv", "pip", "install", "--quiet", "--python", str(self.venv), *requirements)

    @staticmethod
    def _run(*args: str) -> None:
        result = run_command([*args], ROOT, clean_environ())
        assert result.ok, result.output

    def call(self, program: str, folder: Path, *args: str, **env: str) -> Result:
        """Run a program of the environment in a folder."""
        return run_command([str(self.venv / "bin" / program), *args], folder, self.environ | env)

    def succeeds(self, program: str, folder: Path, *args: str, **env: str) -> str:
        """Run a program that must succeed, and return its output."""
        result = self.call(program, folder, *args, **env)
        assert result.ok, result.tail(60)
        return result.output

    def fails(self, program: str, folder: Path, *args: str, **env: str) -> str:
        """Run a program that must end with one of our errors, and return its output."""
        result = self.call(program, folder, *args, **env)
        assert result.code == 1, result.tail(60)
        assert "Traceback" not in result.output
        return result.output
