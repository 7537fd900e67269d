"""What one `invoke verify` takes: its time, its memory, and what it asks of nginx."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import datetime, timezone

from benchmarks.harness import Bench, Metric
from docktasks import waiting
from docktasks.verify import catalog
from docktasks.verify.registry import Check

METRICS = (Metric("time", "s"), Metric("memory", "MB"), Metric("requests", ""))
MEASURE = """
import sys
from pathlib import Path
from invoke.main import program

try:
    program.run(["invoke", *sys.argv[1:]])
finally:
    status = Path("/proc/self/status")
    if status.exists():
        most = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        print("most", int(most.split()[1]) * 1024)
    else:
        import resource
        print("most", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""Runs a task, and prints how many bytes of memory it had at the most.

Not by getrusage(), where there is something better: on Linux that counts what the parent had before this program began.
"""


def without_browser() -> list[Check]:
    """All checks but those that look through a browser."""
    return [check for check in catalog.CHECKS if check.group != "browser"]


def measured(bench: Bench, chosen: Iterable[Check], **env: str) -> tuple[float, float, float]:
    """A value for each metric, of a verification by these checks. Raises BenchError when one of them fails."""
    since, began = datetime.now(timezone.utc), time.perf_counter()
    only = [f"--only={each.id}" for each in chosen]
    printed = bench.output([sys.executable, "-c", MEASURE, "verify", *only], **env)
    took = time.perf_counter() - began
    return took, int(printed.rpartition("most ")[2]) / 1e6, _requests(bench, since)


def _requests(bench: Bench, since: datetime) -> int:
    """How many requests the release has logged, once it logs no more of them."""
    args = ["docker", "container", "logs", "--since", since.isoformat(), f"{bench.name}-prod"]
    counted = [-1]

    def look() -> waiting.Probe:
        log = subprocess.run(args, capture_output=True, text=True, check=True).stdout
        counted.append(log.count('"\n'))
        return waiting.Probe(counted[-1] == counted[-2])

    waiting.wait_until(look, 10, 0.2)
    return counted[-1]
