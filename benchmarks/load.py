"""Load, by wrk: to the loopback alone, and bounded in time; and what a first visit loads."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from docktasks.errors import BenchError

CONNECTIONS = 32
ENCODINGS = "gzip, deflate, br"
"""What a browser says that it takes."""

SCRIPT = Path(__file__).with_name("wrk.lua")
LONGEST = 30
"""Seconds that one burst of load may last at the most."""


@dataclass(frozen=True)
class Load:
    """What a burst of load saw: requests and bytes a second, and the ms within which 99 of 100 answers came."""

    requests: float
    bytes: float
    p99: float


def installed() -> bool:
    """True when there is a wrk."""
    return shutil.which("wrk") is not None


HOW = "apt-get install wrk (Debian, Ubuntu), brew install wrk"


def burst(url: str, seconds: float, paths: Sequence[str] = (), *, keepalive: bool = True) -> Load:
    """Load an address on 127.0.0.1 as 32 browsers would. Raises BenchError when any request failed."""
    if urlsplit(url).hostname != "127.0.0.1":
        raise ValueError(f"load goes to the loopback alone, not to {url}")
    args = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{min(seconds, LONGEST):g}s"]
    if seconds < 1:  # wrk counts in whole seconds
        args[-1] = "1s"
    args += ["--timeout", "10s", "--header", f"Accept-Encoding: {ENCODINGS}", "--script", str(SCRIPT)]
    args += [] if keepalive else ["--header", "Connection: close"]
    ran = subprocess.run([*args, url, "--", *paths], capture_output=True, text=True, check=False, timeout=LONGEST + 30)
    try:
        seen = json.loads(ran.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise BenchError(f"wrk measured nothing at {url}.", "", "Mend what it says", ran.stdout + ran.stderr) from None
    duration = seen["microseconds"] / 1e6
    if not seen["failed"] and not seen["requests"]:  # so slow that no answer was done: each took that long at least
        return Load(0, 0, duration * 1e3)
    if seen["failed"]:
        raise BenchError(
            f"{seen['failed']:,} of {seen['requests']:,} requests to {url} failed under load.",
            "A figure for answers that were none would mean nothing.",
            "See the log of what serves there",
        )
    return Load(seen["requests"] / duration, seen["bytes"] / duration, seen["p99"] / 1e3)


class _Loaded(HTMLParser):
    """Collects what a browser loads with a page before any script runs."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the URL of one element."""
        given = dict(attrs)
        relations = set((given.get("rel") or "").split())
        url = given.get("src")
        if tag == "link" and relations & {"stylesheet", "modulepreload", "icon"}:
            url = given.get("href")
        if url and not url.startswith("data:"):
            self.urls.append(url)


def first_load(url: str) -> tuple[int, int]:
    """Bytes of the bodies on the wire, and their number, of the page and all that it names."""
    headers = {"Accept-Encoding": ENCODINGS}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, verify=False, timeout=10) as client:  # noqa: S501 - http
        page = client.get("/").raise_for_status()
        parser = _Loaded()
        parser.feed(page.text)
        here = urlsplit(url).netloc
        named = {urljoin(f"{url}/", each) for each in parser.urls}
        answers = [client.get(each).raise_for_status() for each in sorted(named) if urlsplit(each).netloc == here]
    return sum(answer.num_bytes_downloaded for answer in (page, *answers)), len(answers) + 1
