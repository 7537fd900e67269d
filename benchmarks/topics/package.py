"""From one command in another repository to the first 200.

A copy of the app, outside of the checkout, is released: by `uvx --from WHEEL hello-dock run-prod` in its folder, and by
`invoke run-prod` in the checkout, which has its packages installed. Docker has the layers of an earlier build, and uv
the packages of an earlier call.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.checkout import ROOT, copy_app
from benchmarks.harness import INVOKE, Bench, Case, Measure


def cases(bench: Bench) -> Iterator[Case]:
    """One case."""
    if not shutil.which("uvx"):
        bench.skip("ours", "uv is not installed")
        return
    with TemporaryDirectory() as folder:
        app = copy_app(Path(folder) / "shop")
        bench.output(["uv", "build", "--wheel", "--out-dir", folder, str(ROOT)])
        (wheel,) = Path(folder).glob("*.whl")
        command = ["uvx", "--directory", str(app), "--from", str(wheel), "hello-dock"]
        bench([*command, "build-prod"])
        checkout = ["env", f"INVOKE_APP_DIR={app}", *INVOKE, "run-prod"]
        contestants = bench.contestants({"checkout": checkout, "ours": [*command, "run-prod"]})
        measures = {name: _measure(bench, args) for name, args in contestants.items()}
        try:
            yield Case("command to first 200", measures, baseline="checkout")
        finally:
            bench([*command, "clean"])


def _measure(bench: Bench, args: list[str]) -> Measure:
    """Return a function that measures a release by a command. It removes the containers."""

    def measure() -> float:
        try:
            return bench.until_served(args, f"http://127.0.0.1:{bench.host_port}/")
        finally:
            bench([*INVOKE, "stop"])

    return measure
