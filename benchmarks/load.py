"""Load by wrk, only on 127.0.0.1 or on the cable of network.neighbour(), and for a limited time."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.network import NEIGHBOUR
from docktasks.errors import BenchError

CONNECTIONS = 32
ENCODINGS = "gzip, deflate, br"
"""The Accept-Encoding header of a browser."""

WRK_SCRIPT = Path(__file__).with_name("wrk.lua")
MAX_BURST_S = 30
MIN_BURST_S = 1
"""wrk takes a duration in whole seconds."""

REQUEST_TIMEOUT_S = 10
INSTALL = "apt-get install wrk (Debian, Ubuntu), brew install wrk"


@dataclass(frozen=True)
class Load:
    """The result of a burst of load: requests and bytes a second, and the 99th percentile of the latency in ms."""

    requests: float
    bytes: float
    p99: float


def installed() -> bool:
    """True when wrk is installed."""
    return shutil.which("wrk") is not None


def burst(
    url: str, seconds: float, paths: Sequence[str] = (), *, keepalive: bool = True, enter: Sequence[str] = ()
) -> Load:
    """Load an address with 32 connections. `paths` are requested in turn; without them, `url` is.

    `enter` are words in front of the command, which let it run in a neighbour's network.
    Raises BenchError when a request failed, and ValueError for another machine's address.
    """
    if urlsplit(url).hostname not in ("127.0.0.1", f"{NEIGHBOUR}.1"):
        raise ValueError(f"only this machine may be loaded, not {url}")
    args = [*enter, *_wrk_args(url, seconds, paths, keepalive=keepalive)]
    completed = subprocess.run(args, capture_output=True, text=True, check=False, timeout=MAX_BURST_S + 30)
    try:
        summary: dict[str, Any] = json.loads(completed.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        output = completed.stdout + completed.stderr
        raise BenchError(f"wrk measured nothing at {url}.", "", "Correct what it reports", output) from None
    return _load(summary, url)


def _wrk_args(url: str, seconds: float, paths: Sequence[str], *, keepalive: bool) -> list[str]:
    duration = max(MIN_BURST_S, min(seconds, MAX_BURST_S))
    close = [] if keepalive else ["--header", "Connection: close"]
    return [
        "wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{duration:g}s",
        "--timeout", f"{REQUEST_TIMEOUT_S}s", "--header", f"Accept-Encoding: {ENCODINGS}", *close,
        "--script", str(WRK_SCRIPT), url, "--", *paths,
    ]  # fmt: skip


def _load(summary: dict[str, Any], url: str) -> Load:
    """The load in what wrk.lua prints."""
    seconds = summary["microseconds"] / 1e6
    if summary["failed"]:
        raise BenchError(
            f"{summary['failed']:,} of {summary['requests']:,} requests to {url} failed under load.",
            "A figure for failed requests would mean nothing.",
            "See the log of what serves there",
        )
    if not summary["requests"]:  # no answer was complete: each one would have taken longer than the burst
        return Load(0, 0, seconds * 1e3)
    return Load(summary["requests"] / seconds, summary["bytes"] / seconds, summary["p99"] / 1e3)
