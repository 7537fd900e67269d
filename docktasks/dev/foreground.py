"""`invoke dev` in the foreground: show the log, and recreate the server when the dependencies change."""

from __future__ import annotations

import math

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.dev import server
from docktasks.dev.dependency_watch import DependencyWatch
from docktasks.dev.log import LogPrinter
from docktasks.dev.server import DevServer
from docktasks.errors import DockError, StartError
from docktasks.progress import print_text

CHECKOUT_INTERVAL_S = 0.2
"""Seconds between two looks at the files that decide what is installed."""


def follow(project: Project, dev_server: DevServer) -> None:
    """Show the log and follow the dependencies until the end, then remove the container. Raises StartError."""
    watch = DependencyWatch(project.app)
    try:
        with waiting.terminate_as_interrupt():
            printer = LogPrinter(project, dev_server)
            while _dependencies_change(printer, watch):
                recreated = _recreate(project, dev_server, watch.take_changes())
                if recreated is not None:
                    dev_server, printer = recreated, LogPrinter(project, recreated)
            _raise_if_failed(project, printer.error)
    except KeyboardInterrupt:
        server.down(project)


def _dependencies_change(printer: LogPrinter, watch: DependencyWatch) -> bool:
    """Wait until the dependencies change (True) or the log ends (False)."""
    waiting.wait_until(
        lambda: waiting.Probe(printer.has_ended or watch.has_changed()), limit=math.inf, interval=CHECKOUT_INTERVAL_S
    )
    return not printer.has_ended


def _recreate(project: Project, dev_server: DevServer, file_names: list[str]) -> DevServer | None:
    """Return a dev server with the new dependencies, or None when the old one keeps running.

    `file_names` are the files with another content. Raises DockError when no dev server is left.
    """
    if not file_names:
        return None
    print(f"{' and '.join(file_names)} changed: installing the dependencies.", flush=True)
    try:
        recreated = server.recreate(project, dev_server)
    except DockError as error:
        container = project.engine.container(project.settings.container("dev"))
        if container is None or container.state != "running":
            raise
        print_text(f"\n{error}\nThe dev server keeps running with the previous dependencies.")
        return None
    print(f"Serving with the new dependencies: {recreated.url}", flush=True)
    return recreated


def _raise_if_failed(project: Project, log_error: Exception | None) -> None:
    """Raise what ended the log or the dev server; nothing for a container that was stopped."""
    if log_error is not None:
        raise log_error
    name = project.settings.container("dev")
    container = project.engine.container(name)
    if container is None or container.exit_code in server.STOPPED_EXIT_CODES:
        return
    error = StartError(
        f"The dev server stopped with exit code {container.exit_code}.",
        "Its last log lines are above.",
        "Correct what they report, then start it again: invoke dev",
        evidence=project.engine.logs(name),
    )
    server.down(project)
    raise server.explain_failure(error, project.settings)
