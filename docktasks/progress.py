"""What a task says while it goes on: each step, and the seconds it took."""

from __future__ import annotations

import time


class Progress:
    """Prints a line for each step that is done. Silent where nothing is done, as under --dry."""

    def __init__(self, *, silent: bool = False) -> None:
        self.silent, self._last = silent, time.monotonic()

    def __call__(self, done: str) -> None:
        """Say what was done since the step before."""
        now = time.monotonic()
        took, self._last = now - self._last, now
        if not self.silent:
            print(f"{took:6.1f} s  {done}", flush=True)

    def note(self, text: str) -> None:
        """Say what somebody may want to know before it happens."""
        if not self.silent:
            print(f"! {text}", flush=True)
