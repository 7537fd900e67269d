"""What one `invoke verify` costs: its time, its memory, and its requests to nginx."""

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
LOG_TIMEOUT_S = 10
SCRIPT = """
import sys
from pathlib import Path
from invoke.main import program

try:
    program.run(["invoke", *sys.argv[1:]])
finally:
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        print("peak", int(peak.split()[1]) * 1024)
    else:
        import resource
        print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""Runs a task, and prints the peak of its memory in bytes.

Linux has a better source than getrusage(), which includes the memory of the parent before this program started.
"""


def checks_without_browser() -> list[Check]:
    """All checks of a release that need no browser. There is no dev container, which those of the group dev need."""
    return [check for check in catalog.CHECKS if check.group not in ("browser", "dev")]


def measure(bench: Bench, chosen: Iterable[Check], **environ: str) -> tuple[float, float, float]:
    """Verify with the chosen checks. Returns a value for each metric. Raises BenchError when a check fails."""
    since, start = datetime.now(timezone.utc), time.perf_counter()
    only = [f"--only={check.id}" for check in chosen]
    printed = bench.output([sys.executable, "-c", SCRIPT, "verify", *only], **environ)
    seconds = time.perf_counter() - start
    return seconds, int(printed.rpartition("peak ")[2]) / 1e6, _count_requests(bench, since)


def _count_requests(bench: Bench, since: datetime) -> int:
    """The number of requests that the release has logged, once the number stays the same."""
    args = ["docker", "container", "logs", "--since", since.isoformat(), f"{bench.name}-prod"]
    counts = [-1]

    def probe_log() -> waiting.Probe:
        log = subprocess.run(args, capture_output=True, text=True, check=True).stdout
        counts.append(log.count('"\n'))
        return waiting.Probe(counts[-1] == counts[-2])

    waiting.wait_until(probe_log, LOG_TIMEOUT_S, 0.2)
    return counts[-1]
