"""What a measurement that was killed leaves, and how a measurement ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks import harness, leftovers
from docktasks.settings import Settings
from tests.unit.fakes.apps import ROOT
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

HOLD = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from benchmarks import leftovers
settings = SimpleNamespace(root=Path(sys.argv[1]))
with leftovers.held_names(None, None, settings) as new_name:
    print(new_name(), flush=True)
    sys.stdin.read()
"""


class NetworkedEngine(FakeEngine):
    """An engine with a network of compose."""

    client: Any = SimpleNamespace(networks=SimpleNamespace(list=list))


@pytest.fixture
def killed_name(settings: Settings) -> str:
    """The name of a measurement that was killed, and whose files are still there."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.root)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        held = leftovers._abandoned_names(settings.root / ".cache")  # noqa: SLF001 - a name that is held
        assert list(held) == []
        process.kill()
    for folder in (f"context-{name}", f"context-{name}-cold", f"app-{name}-x"):
        (settings.root / ".cache" / folder).mkdir()
    return name


def test_next_measurement_removes_what_a_killed_one_left(
    settings: Settings, killed_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is found by the name, which no living process holds. What others have stays."""
    cache = settings.root / ".cache"
    (cache / "context-shop").mkdir()
    run = Runner()
    with leftovers.held_names(run, cast("Any", NetworkedEngine()), settings) as new_name:
        name = new_name()
        assert {path.name for path in cache.iterdir()} == {"context-shop", f"{name}.measured"}
    assert {path.name for path in cache.iterdir()} == {"context-shop"}
    assert capsys.readouterr().out == f"! Removing what an earlier measurement left: {killed_name}\n"
    assert [line for line in run.lines if line.endswith(f"built-for={killed_name}-cold")]


def test_command_of_a_measurement_ends_in_order_when_that_is_interrupted(tmp_path: Path) -> None:
    """Killed at once, a task would leave what it has half made."""
    code = (
        "import os, pathlib, signal, sys\n"
        f"def end(*_): pathlib.Path({str(tmp_path / 'ended')!r}).touch(); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"os.kill({os.getpid()}, signal.SIGINT)\n"
        "while True: signal.pause()\n"
    )
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            harness.run_command([sys.executable, "-c", code], os.environ)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "ended").exists()
