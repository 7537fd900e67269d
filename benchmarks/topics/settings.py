"""What each setting of nginx costs.

Our image with one thing changed at a time, the page asked for by wrk over 32 connections that stay, and the memory that
the container has then. "Published" is what a user meets; in the host's network, without docker-proxy, what is left is
nginx's own and the log's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from benchmarks import load, peers, site
from benchmarks.approaches import OURS, TWO_STAGE
from benchmarks.harness import ROOT, Bench, Case, Goal, Measure, Metric
from benchmarks.topics.serving import METRICS, bursts
from docktasks.engine.client import DockerEngine

PUBLISHED = "published"
SMALL = Goal("container memory under 16 MB", "memory", "as it is", most=16)
CHANGES = {
    "access_log off": ("serving/logging.conf", "access_log /dev/stdout", "access_log off; #"),
    "access_log unbuffered": ("serving/logging.conf", " buffer=4k flush=100ms", ""),
    "open_file_cache off": ("serving/files.conf", "open_file_cache max=2000 inactive=5m", "open_file_cache off"),
    "sendfile off": ("serving/files.conf", "sendfile on", "sendfile off"),
    "tcp_nopush off": ("serving/files.conf", "tcp_nopush on", "tcp_nopush off"),
    "no reuseport": ("serving/site.conf", " reuseport", ""),
    "one worker": ("nginx.conf", "worker_processes 4", "worker_processes 1"),
    "a worker a core": ("nginx.conf", "worker_processes 4", "worker_processes auto"),
    "16 workers": ("nginx.conf", "worker_processes 4", "worker_processes 16"),
}
"""What is changed, by name: in a file of nginx/, one text for another."""


def changed(file: str, before: str, after: str) -> dict[str, str]:
    """A file of nginx/ with a change, which must be one."""
    text = (ROOT / "docktasks/images/nginx" / file).read_text()
    if before not in text:
        raise LookupError(f"{file} has no {before!r}")
    return {file: text.replace(before, after)}


def cases(bench: Bench) -> Iterator[Case]:
    """The published port, then the host's network."""
    if not load.installed():
        bench.skip("all", f"wrk is not installed ({load.HOW})")
        return
    changes = dict(list(CHANGES.items())[:1]) if bench.quick else CHANGES
    with site.built(bench, (TWO_STAGE, OURS)) as built, ExitStack() as left:
        urls = {"as it is": left.enter_context(peers.published(bench, built.shop, OURS))}
        for name, change in changes.items():
            urls[name] = left.enter_context(peers.changed(bench, built.shop, changed(*change)))
        yield _case(PUBLISHED, bench, urls)
        if not peers.has_host_network() or bench.quick:
            return
        urls = {"as it is": left.enter_context(peers.ours_on_host(bench, built.shop))}
        for name, change in changes.items():
            urls[name] = left.enter_context(peers.ours_on_host(bench, built.shop, changed(*change)))
        yield _case("host's network", bench, urls)


def _case(name: str, bench: Bench, urls: dict[str, str]) -> Case:
    measures = {who: bursts(bench, url, ("/",)) for who, url in urls.items()}
    if name != PUBLISHED:
        return Case(name, measures, METRICS, "as it is")
    with_memory = {who: _remembered(bench.engine, urls[who], burst) for who, burst in measures.items()}
    return Case(name, with_memory, (*METRICS, Metric("memory", "MB")), "as it is", goals=(SMALL,))


def _remembered(engine: DockerEngine, url: str, burst: Measure) -> Measure:
    """A burst of load, and the memory of who serves after it."""

    def once() -> tuple[float, ...]:
        seen = burst()
        container = engine.container_publishing(int(url.rpartition(":")[2]))
        memory = peers.memory(engine, container.name) if container else 0
        return (*(seen if isinstance(seen, Sequence) else (seen,)), memory / 1e6)

    return once
