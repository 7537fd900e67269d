"""`invoke dev` in the foreground: shows the log, follows the dependencies, opens the editor, until it ends."""

from __future__ import annotations

import math
import re
import sys
from collections import deque
from threading import Thread
from urllib.parse import urlsplit

from docktasks import dev, editor, events, modules, probes
from docktasks.answers import Run
from docktasks.containers import PORT_INSIDE
from docktasks.dev import Serving
from docktasks.devruns import INSIDE
from docktasks.engine import Engine
from docktasks.errors import DockError, StartError
from docktasks.settings import Settings

INTERVAL = 0.2
"""Seconds between two looks at the checkout."""

STOPPED = (0, 130, 137, 143)
"""Exit codes of a container that somebody stopped, as `invoke stop` in another terminal does."""

VITES = f"http://localhost:{PORT_INSIDE['dev']}"
NETWORK = re.compile(rb"^.*Network: +http://.*\r?\n?", re.MULTILINE)
"""Where Vite says that it is reached: an address of the container's own, in one line and the next."""

REFUSED = re.compile(rf"^.*{events.REFUSED}.*\r?\n?".encode(), re.MULTILINE)

WANTED = re.compile(rb"^hello-dock-editor (.+):(\d+):(\d+)\r?\n?", re.MULTILINE)
"""What node/open-in-editor.sh prints."""


class Log:
    """A container's log as it comes, with the checkout's paths for the container's, and the published address.

    In a thread, since both the log and the checkout are waited for.
    """

    def __init__(self, engine: Engine, settings: Settings, serving: Serving) -> None:
        self.unseen = events.UNSEEN in serving.notices
        self.wanted: deque[tuple[str, int, int]] = deque()
        self.error: Exception | None = None
        self._engine, self._name = engine, settings.container("dev")
        # What is right in the container leads nowhere from here: its paths, and the address that Vite listens on.
        self._outside = {f"{INSIDE}/": f"{settings.app_dir}/"}
        self._outside |= {VITES: f"http://{urlsplit(serving.url).netloc}"} if serving.url else {}
        self._thread = Thread(target=self._copy, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """True when the container has stopped, or its log cannot be read."""
        return not self._thread.is_alive()

    def _copy(self) -> None:
        try:
            for chunk in self._engine.follow(self._name):
                shown = NETWORK.sub(b"", chunk)
                for inside, outside in self._outside.items():
                    shown = shown.replace(inside.encode(), outside.encode())
                for path, line, column in WANTED.findall(shown):
                    self.wanted.append((path.decode(errors="replace"), int(line), int(column)))
                shown, refused = REFUSED.subn(b"", shown)  # a line for each file says less than one for all
                if refused and not self.unseen:
                    self.unseen = True
                    shown = f"! {events.UNSEEN}\n".encode() + shown
                sys.stdout.buffer.write(WANTED.sub(b"", shown))
                sys.stdout.flush()
        except Exception as error:  # noqa: BLE001 - the engine, or the terminal, has gone: told by who waits
            self.error = error


def follow(run: Run, engine: Engine, settings: Settings, serving: Serving) -> None:
    """Stay until Ctrl-C (or a closed terminal), then stop the container.

    Raises StartError when the container ends by itself.
    """
    watch = modules.Watch(settings)
    try:
        with probes.interruptible():
            while not _ended(run, engine, settings, watch, serving):
                serving = _renewed(run, engine, settings, serving, watch.take())
    except KeyboardInterrupt:
        dev.down(run, settings)


def _ended(run: Run, engine: Engine, settings: Settings, watch: modules.Watch, serving: Serving) -> bool:
    """Show the log until the container has stopped, or the dependencies have changed (False)."""
    log = Log(engine, settings, serving)
    while True:
        probes.wait_until(lambda: probes.Probe(log.ended or bool(log.wanted) or watch.changed()), math.inf, INTERVAL)
        while log.wanted:
            print(editor.open_file(settings, *log.wanted.popleft()), flush=True)
        if log.ended:
            _explain_end(run, engine, settings, log)
            return True
        if watch.changed():
            return False


def _renewed(run: Run, engine: Engine, settings: Settings, serving: Serving, changed: list[str]) -> Serving:
    """The container with the new dependencies, or the old one where they cannot be had."""
    if not changed:
        return serving
    print(f"{' and '.join(changed)} changed: installing anew.", flush=True)
    try:
        renewed = dev.renew(run, engine, settings, serving)
    except DockError as error:
        there = engine.container(settings.container("dev"))
        if there is None or there.state != "running":
            raise
        print(f"\n{error}\nUntil then the server goes on with what it has.", flush=True)
        return serving
    print(f"Serving with the new dependencies after {renewed.seconds:.1f} s: {renewed.url}", flush=True)
    return renewed


def _explain_end(run: Run, engine: Engine, settings: Settings, log: Log) -> None:
    if isinstance(log.error, OSError) and not type(log.error).__module__.startswith("requests"):
        raise KeyboardInterrupt from log.error  # nobody reads what is printed any more
    if log.error is not None:
        raise log.error
    name = settings.container("dev")
    ended = engine.container(name)
    if ended is None or ended.exit_code in STOPPED:
        return
    error = StartError(
        f"The dev server stopped with exit code {ended.exit_code}.",
        "Its last log lines are above.",
        "Mend what they say, then: invoke dev",
        evidence=engine.logs(name),
    )
    dev.down(run, settings)
    raise dev.explained(error, settings)
