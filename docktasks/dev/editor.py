"""A file of the checkout in the user's editor, at a line."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from threading import Thread

from docktasks.settings import Settings

GOTO = {"code": "--goto", "code-insiders": "--goto", "codium": "--goto", "cursor": "--goto", "zed": "", "subl": ""}
"""Editors that take FILE:LINE:COLUMN, and the option before it."""

LINE = ("idea", "webstorm", "phpstorm", "pycharm")
"""Editors that take --line and --column."""


QUIETLY = {
    "check": False, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL,
}  # fmt: skip


def open_file(settings: Settings, path: str, line: int, column: int) -> str:
    """Open a file of the app; one line that says so, or what stands in the way.

    What is asked for comes from a page: nothing outside of the app is opened.
    """
    file = Path(path).resolve()
    if not (file.is_file() and file.is_relative_to(settings.app_dir)):
        return f"! Not opened, for it is no file of the app: {path}"
    at = f"{file}:{line}:{column}"
    args = command(file, line, column)
    if not args:
        return f"! {at} is wanted in an editor. Name yours: LAUNCH_EDITOR=code invoke dev"
    if not shutil.which(args[0]):
        return f"! There is no editor {args[0]}. Name yours: LAUNCH_EDITOR=code invoke dev"
    # In a thread: some editors return at once, others when they are closed.
    Thread(target=subprocess.run, args=(args,), kwargs=QUIETLY, daemon=True).start()
    return f"Opened in {Path(args[0]).name}: {at}"


def command(file: Path, line: int, column: int) -> list[str]:
    """The command that opens it, with the editor that LAUNCH_EDITOR names, else the first known one; empty without."""
    named = os.environ.get("LAUNCH_EDITOR") or next(filter(shutil.which, (*GOTO, *LINE)), "")
    if not named:
        return []
    name = Path(named).name
    if name in LINE:
        return [named, "--line", str(line), "--column", str(column), str(file)]
    if name in GOTO:
        return [named, *([GOTO[name]] if GOTO[name] else []), f"{file}:{line}:{column}"]
    return [named, str(file)]
