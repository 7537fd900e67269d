"""Sessions for a repository's own noxfile: from docktasks.nox import build_prod, dev, run_prod, verify.

A session becomes one of the noxfile when it is imported. It uses the hello-dock of nox's own environment, and a project
name and ports of its own, so that it disturbs nothing that runs.
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

ENVIRON = {"INVOKE_PROD_HOST_PORT": "0", "INVOKE_DEV_HOST_PORT": "0"}


def hello_dock(session: nox.Session, *args: str) -> None:
    """Run a task of hello-dock on the repository that the noxfile is in."""
    folder = re.sub(r"[^a-z0-9]+", "-", Path.cwd().name.lower()).strip("-")[:30].strip("-")
    names = {"INVOKE_APP_NAME": f"{folder or 'app'}-nox"}
    session.run(sys.executable, "-m", "docktasks", *args, env={**names, **ENVIRON, **os.environ}, external=True)


def _build_prod(session: nox.Session) -> None:
    """Build the production image: node builds, nginx serves."""
    hello_dock(session, "build-prod", *session.posargs)


def _run_prod(session: nox.Session) -> None:
    """Build and run the production image, and remove it again."""
    _run_and_clean(session, ["run-prod", *session.posargs], ["status"])


def _verify(session: nox.Session) -> None:
    """Run the production image, and check from outside that it is right."""
    _run_and_clean(session, ["run-prod"], ["verify", *session.posargs])


def _dev(session: nox.Session) -> None:
    """Start the dev container, and check it from outside."""
    _run_and_clean(session, ["dev", "--detach"], ["verify", "--group=dev", *session.posargs])


def _run_and_clean(session: nox.Session, *tasks: list[str]) -> None:
    try:
        for args in tasks:
            hello_dock(session, *args)
    finally:
        hello_dock(session, "clean")


SESSIONS: dict[str, Callable[[nox.Session], None]] = {
    "build_prod": _build_prod, "run_prod": _run_prod, "verify": _verify, "dev": _dev,
}  # fmt: skip


def __getattr__(name: str) -> Callable[[nox.Session], None]:
    """Return a session, and make it one of the noxfile. Sessions that a noxfile does not import are none of its own."""
    if name not in SESSIONS:
        raise AttributeError(f"docktasks.nox has no session {name}: it has {', '.join(SESSIONS)}")
    register = nox.session(name=name.replace("_", "-"), venv_backend="none", tags=["hello-dock"])
    return register(SESSIONS[name])
