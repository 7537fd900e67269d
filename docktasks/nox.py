"""Sessions for a repository's own noxfile: from docktasks.nox import build_prod, dev, run_prod, verify.

A session becomes one of the noxfile when it is imported. It uses the hello-dock of nox's own environment, and a project
name and ports of its own. So it disturbs nothing that runs, and it removes what it made.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

try:
    import nox
except ImportError as error:
    text = "docktasks.nox needs nox, which is an extra of the package: pip install 'hello-dock[nox]'"
    raise ImportError(text) from error

__all__ = ["build_prod", "dev", "run_prod", "verify"]  # noqa: F822 - see __getattr__

TASKS: dict[str, tuple[str, list[list[str]]]] = {
    "build_prod": ("Build the production image: node builds, nginx serves.", [["build-prod"]]),
    "run_prod": ("Build and run the production image.", [["run-prod"]]),
    "verify": ("Run the production image, and check from outside that it is right.", [["run-prod"], ["verify"]]),
    "dev": ("Start the dev container, and check it from outside.", [["dev", "--detach"], ["verify", "--group=dev"]]),
}
"""What a session is for, and the tasks that it runs, by its name in Python. The last one gets nox's own arguments."""


def __getattr__(name: str) -> Callable[[nox.Session], None]:
    """Return a session, and make it one of the noxfile. Sessions that a noxfile does not import are none of its own."""
    if name not in TASKS:
        raise AttributeError(f"docktasks.nox has no session {name}: it has {', '.join(TASKS)}")
    text, commands = TASKS[name]

    def run(session: nox.Session) -> None:
        try:
            for command in commands:
                hello_dock(session, *command, *(session.posargs if command is commands[-1] else []))
        finally:
            hello_dock(session, "clean")

    run.__doc__ = text
    return nox.session(name=name.replace("_", "-"), venv_backend="none", tags=["hello-dock"])(run)


def hello_dock(session: nox.Session, *args: str) -> None:
    """Run a task of hello-dock on the repository that the noxfile is in."""
    folder = re.sub(r"[^a-z0-9]+", "-", Path.cwd().name.lower()).strip("-")[:30].strip("-")
    own = {f"INVOKE_{name}_HOST_PORT": "0" for name in ("PROD", "DEV")} | {"INVOKE_APP_NAME": f"{folder or 'app'}-nox"}
    session.run(sys.executable, "-m", "docktasks", *args, env=own | os.environ, external=True)
