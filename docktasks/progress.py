"""The lines that a task prints while it works: each step, and the seconds it took."""

from __future__ import annotations

import time


class Progress:
    """Prints a line after each step. With `silent`, as under --dry, it prints nothing."""

    def __init__(self, *, silent: bool = False) -> None:
        self.silent, self._last = silent, time.monotonic()

    def __call__(self, step: str) -> None:
        """Print what was done, and the seconds since the step before."""
        now = time.monotonic()
        seconds, self._last = now - self._last, now
        if not self.silent:
            print(f"{seconds:6.1f} s  {step}", flush=True)

    def note(self, text: str) -> None:
        """Print what a user should know before it happens."""
        if not self.silent:
            print(f"! {text}", flush=True)
