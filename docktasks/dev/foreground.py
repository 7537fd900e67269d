"""`invoke dev` in the foreground: shows the log, follows the dependencies, opens the editor, until it ends."""

from __future__ import annotations

import math
import re
import sys
from collections import deque
from threading import Thread
from urllib.parse import urlsplit

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.containers.app_mount import APP_PATH
from docktasks.containers.roles import CONTAINER_PORT
from docktasks.dev import dependency_watch, editor, file_events, server
from docktasks.dev.server import DevServer
from docktasks.errors import DockError, StartError

INTERVAL = 0.2
"""Seconds between two looks at the checkout."""

STOPPED_EXIT_CODES = (0, 130, 137, 143)
"""Exit codes of a container that somebody stopped, as `invoke stop` in another terminal does."""

VITES = f"http://localhost:{CONTAINER_PORT['dev']}"
NETWORK = re.compile(rb"^.*Network: +http://.*\r?\n?", re.MULTILINE)
"""Where Vite says that it is reached: an address of the container's own, in one line and the next."""

REFUSED = re.compile(rf"^.*{file_events.REFUSED}.*\r?\n?".encode(), re.MULTILINE)

WANTED = re.compile(rb"^hello-dock-editor (.+):(\d+):(\d+)\r?\n?", re.MULTILINE)
"""What node/open-in-editor.sh prints."""


class Log:
    """A container's log as it comes, with the checkout's paths for the container's, and the published address.

    In a thread, since both the log and the checkout are waited for.
    """

    def __init__(self, project: Project, serving: DevServer) -> None:
        self.unseen = file_events.UNSEEN in serving.notices
        self.wanted: deque[tuple[str, int, int]] = deque()
        self.error: Exception | None = None
        self._engine, self._name = project.engine, project.settings.container("dev")
        # What is right in the container leads nowhere from here: its paths, and the address that Vite listens on.
        self._outside = {f"{APP_PATH}/": f"{project.settings.app_dir}/"}
        self._outside |= {VITES: f"http://{urlsplit(serving.url).netloc}"} if serving.url else {}
        self._thread = Thread(target=self._copy, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """True when the container has stopped, or its log cannot be read."""
        return not self._thread.is_alive()

    def _copy(self) -> None:
        try:
            for chunk in self._engine.stream_logs(self._name):
                shown = NETWORK.sub(b"", chunk)
                for inside, outside in self._outside.items():
                    shown = shown.replace(inside.encode(), outside.encode())
                for path, line, column in WANTED.findall(shown):
                    self.wanted.append((path.decode(errors="replace"), int(line), int(column)))
                shown, refused = REFUSED.subn(b"", shown)  # a line for each file says less than one for all
                if refused and not self.unseen:
                    self.unseen = True
                    shown = f"! {file_events.UNSEEN}\n".encode() + shown
                sys.stdout.buffer.write(WANTED.sub(b"", shown))
                sys.stdout.flush()
        except Exception as error:  # noqa: BLE001 - the engine, or the terminal, has gone: told by who waits
            self.error = error


def follow(project: Project, serving: DevServer) -> None:
    """Stay until Ctrl-C (or a closed terminal), then stop the container.

    Raises StartError when the container ends by itself.
    """
    watch = dependency_watch.DependencyWatch(project.settings)
    try:
        with waiting.terminate_as_interrupt():
            while not _ended(project, watch, serving):
                serving = _renewed(project, serving, watch.take())
    except KeyboardInterrupt:
        server.down(project)


def _ended(project: Project, watch: dependency_watch.DependencyWatch, serving: DevServer) -> bool:
    """Show the log until the container has stopped, or the dependencies have changed (False)."""
    log = Log(project, serving)
    while True:
        waiting.wait_until(lambda: waiting.Probe(log.ended or bool(log.wanted) or watch.changed()), math.inf, INTERVAL)
        while log.wanted:
            print(editor.open_file(project.settings, *log.wanted.popleft()), flush=True)
        if log.ended:
            _explain_end(project, log)
            return True
        if watch.changed():
            return False


def _renewed(project: Project, serving: DevServer, changed: list[str]) -> DevServer:
    """The container with the new dependencies, or the old one where they cannot be had."""
    if not changed:
        return serving
    print(f"{' and '.join(changed)} changed: installing anew.", flush=True)
    try:
        renewed = server.recreate(project, serving)
    except DockError as error:
        there = project.engine.container(project.settings.container("dev"))
        if there is None or there.state != "running":
            raise
        print(f"\n{error}\nUntil then the server goes on with what it has.", flush=True)
        return serving
    print(f"Serving with the new dependencies after {renewed.seconds:.1f} s: {renewed.url}", flush=True)
    return renewed


def _explain_end(project: Project, log: Log) -> None:
    if isinstance(log.error, OSError) and not type(log.error).__module__.startswith("requests"):
        raise KeyboardInterrupt from log.error  # nobody reads what is printed any more
    if log.error is not None:
        raise log.error
    name = project.settings.container("dev")
    ended = project.engine.container(name)
    if ended is None or ended.exit_code in STOPPED_EXIT_CODES:
        return
    error = StartError(
        f"The dev server stopped with exit code {ended.exit_code}.",
        "Its last log lines are above.",
        "Mend what they say, then: invoke dev",
        evidence=project.engine.logs(name),
    )
    server.down(project)
    raise server.translate_paths(error, project.settings)
