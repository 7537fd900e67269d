"""From `./bootstrap` to the first 200.

A new clone on a machine with an engine, the base images and a package cache: `./bootstrap invoke run-prod`, which
installs the locked packages, builds, and serves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.checkout import ROOT
from benchmarks.harness import INVOKE, Bench, Case, Goal

MAX_ROUNDS = 3
GOAL = Goal("at most 15 s", most=15)


def cases(bench: Bench) -> Iterator[Case]:
    """One case."""

    def measure() -> float:
        with TemporaryDirectory() as folder:
            clone = Path(folder) / "hello-dock"
            bench.output(["git", "clone", "--quiet", str(ROOT), str(clone)])
            command = ["env", "--chdir", str(clone), "./bootstrap", "invoke", "run-prod"]
            try:
                return bench.until_served(command, f"http://127.0.0.1:{bench.host_port}/", limit_s=120)
            finally:
                bench.output([*INVOKE, "clean"])

    rounds = min(bench.rounds, MAX_ROUNDS)
    yield Case("bootstrap to first 200", {"ours": measure}, rounds=rounds, warm=False, goals=(GOAL,))
