from __future__ import annotations

import subprocess
import sys
from threading import Event

import pytest

from benchmarks.checkout import ROOT
from docktasks.background import in_background


def test_in_background_waits_only_for_the_result() -> None:
    """The caller continues while the work runs. The result can be asked for again."""
    free = Event()

    def work() -> int:
        assert free.wait(10)
        return 1

    result = in_background(work)
    free.set()
    assert (result(), result()) == (1, 1)


def test_in_background_raises_the_error_with_the_result() -> None:
    """It is raised each time that the result is asked for."""

    def work() -> int:
        raise LookupError

    result = in_background(work)
    for _ in range(2):
        with pytest.raises(LookupError):
            result()


def test_end_of_the_process_waits_for_the_thread_a_while() -> None:
    """A process that ends while a thread loads OpenSSL may crash. One that never ends does not keep the process."""
    program = """
import sys
from threading import Event
from docktasks import background
background.EXIT_TIMEOUT_S = float(sys.argv[1])
background.in_background(lambda: Event().wait(0.3) or print("ready"))
"""
    for limit_s, output in (("60", "ready\n"), ("0", "")):
        ended = subprocess.run(
            [sys.executable, "-c", program, limit_s], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert ended.stdout == output
