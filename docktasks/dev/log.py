"""The dev container's log on this terminal, with the paths and the address that lead somewhere from here."""

from __future__ import annotations

import re
import sys
from threading import Thread
from urllib.parse import urlsplit

from docktasks.app.project import Project
from docktasks.containers.app_mount import APP_PATH, host_paths
from docktasks.dev import file_events
from docktasks.dev.server import DevServer
from docktasks.roles import DEV
from docktasks.settings import Settings

NETWORK_LINE = re.compile(rb"^.*Network: +https?://.*\r?\n?", re.MULTILINE)
"""Vite's line with the container's own address, which only the container can open."""

WATCH_LIMIT_LINE = re.compile(rf"^.*{file_events.VITE_LIMIT_MESSAGE}.*\r?\n?".encode(), re.MULTILINE)


class LogTranslator:
    """Turns what the dev container logs into what helps on this machine.

    It replaces the container's paths and address, also in the lines of open-in-editor.sh, so that a terminal makes
    links of them. Vite logs a line for each file that it cannot watch: one notice replaces all of them.
    """

    def __init__(self, settings: Settings, dev_server: DevServer) -> None:
        self._watch_limit_noticed = dev_server.watch_limit_reached
        self._replacements = {f"{APP_PATH}/".encode(): host_paths(f"{APP_PATH}/", settings).encode()}
        if dev_server.url:
            url = urlsplit(dev_server.url)
            origin = f"{url.scheme}://{url.netloc}".encode()
            for scheme in ("http", "https"):
                self._replacements[f"{scheme}://localhost:{DEV.container_port}".encode()] = origin

    def translate(self, chunk: bytes) -> bytes:
        """Return the translation of some lines. They stay bytes, because an app may log anything."""
        lines = NETWORK_LINE.sub(b"", chunk)
        for original, replacement in self._replacements.items():
            lines = lines.replace(original, replacement)
        lines, refusals = WATCH_LIMIT_LINE.subn(b"", lines)
        if refusals and not self._watch_limit_noticed:
            self._watch_limit_noticed = True
            return f"! {file_events.WATCH_LIMIT_NOTICE}\n".encode() + lines
        return lines


class LogPrinter:
    """Prints the dev container's log in a thread until the container stops. `error` is what ended it early, if any.

    The log is printed from the container's last start, whose time is `started`.
    """

    def __init__(self, project: Project, dev_server: DevServer) -> None:
        name = project.settings.container("dev")
        container = project.engine.container(name)
        self.error: Exception | None = None
        self.started = container.started if container else ""
        self._chunks = project.engine.stream_logs(name, self.started)
        self._translator = LogTranslator(project.settings, dev_server)
        self._thread = Thread(target=self._print, daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """True when the container has stopped, or when the log cannot be read or printed."""
        return not self._thread.is_alive()

    def _print(self) -> None:
        try:
            for chunk in self._chunks:
                sys.stdout.buffer.write(self._translator.translate(chunk))
                sys.stdout.flush()
        except Exception as error:  # noqa: BLE001 - the main thread raises it
            self.error = error
