"""What each setting of nginx costs.

Our image with one setting changed at a time. wrk requests the page over 32 connections that stay open. "Published" is
what a user meets, with the memory of the container after the load. The host's network has no docker-proxy in front:
what is left is the cost of nginx and of its log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

from benchmarks import load, servers
from benchmarks.build_variants import OURS, TWO_STAGE
from benchmarks.checkout import NGINX
from benchmarks.harness import Bench, Case, Goal, Measure, Metric
from benchmarks.sample_site import sample_site
from benchmarks.topics.serving import METRICS, measure_burst

UNCHANGED = "as it is"
MEMORY_GOAL = Goal("container memory under 16 MB", "memory", UNCHANGED, most=16)
WORKERS = "include /tmp/workers*.conf"
CHANGES = {
    "access_log off": ("serving/logging.conf", "access_log /dev/stdout", "access_log off; #"),
    "access_log unbuffered": ("serving/logging.conf", " buffer=4k flush=100ms", ""),
    "open_file_cache off": ("serving/files.conf", "open_file_cache max=500 inactive=5m", "open_file_cache off"),
    "pcre_jit off": ("nginx.conf", "pcre_jit on", "pcre_jit off"),
    "sendfile off": ("serving/files.conf", "sendfile on", "sendfile off"),
    "tcp_nopush on": ("serving/files.conf", "sendfile on;", "sendfile on; tcp_nopush on;"),
    "no reuseport": ("serving/site.conf", " reuseport", ""),
    "one worker": ("nginx.conf", WORKERS, "worker_processes 1"),
    "four workers": ("nginx.conf", WORKERS, "worker_processes 4"),
    "16 workers": ("nginx.conf", WORKERS, "worker_processes 16"),
}
"""The changes by name: a file of nginx/, the text to replace, and its replacement."""


def changed_file(file: str, before: str, after: str) -> dict[str, str]:
    """A file of nginx/ with a change, as a path and a text. Raises LookupError when there is nothing to change."""
    text = (NGINX / file).read_text()
    if before not in text:
        raise LookupError(f"{file} has no {before!r}")
    return {file: text.replace(before, after)}


def cases(bench: Bench) -> Iterator[Case]:
    """The published port, then the host's network."""
    if not load.installed():
        bench.skip("all", f"wrk is not installed ({load.INSTALL})")
        return
    files = {name: changed_file(*change) for name, change in CHANGES.items()}
    if bench.quick:
        files = dict(list(files.items())[:1])
    with sample_site(bench, (OURS,) if bench.quick else (TWO_STAGE, OURS)) as site, ExitStack() as stack:
        urls = {UNCHANGED: stack.enter_context(servers.published(bench, site.sandbox, OURS))}
        for name, texts in files.items():
            urls[name] = stack.enter_context(servers.changed(bench, site.sandbox, texts))
        yield _published_case(bench, urls)
        if not servers.has_host_network() or bench.quick:
            return
        urls = {UNCHANGED: stack.enter_context(servers.ours_on_host(bench, site.sandbox))}
        for name, texts in files.items():
            urls[name] = stack.enter_context(servers.ours_on_host(bench, site.sandbox, texts))
        yield Case("host's network", _bursts(bench, urls), METRICS, UNCHANGED)


def _bursts(bench: Bench, urls: Mapping[str, str]) -> dict[str, Measure]:
    return {name: measure_burst(bench, url, ("/",)) for name, url in urls.items()}


def _published_case(bench: Bench, urls: Mapping[str, str]) -> Case:
    measures = {name: _with_memory(bench, urls[name], burst) for name, burst in _bursts(bench, urls).items()}
    metrics = (*METRICS, Metric("memory", "MB"))
    return Case("published", measures, metrics, UNCHANGED, goals=(MEMORY_GOAL,))


def _with_memory(bench: Bench, url: str, burst: Measure) -> Measure:
    """A function that measures a burst of load, and the memory of the container that serves, after it."""

    def measure() -> tuple[float, ...]:
        values = burst()
        memory = servers.published_memory_bytes(bench.engine, url) / 1e6
        return (*(values if isinstance(values, Sequence) else (values,)), memory)

    return measure
