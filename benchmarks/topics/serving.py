"""Serving under load.

wrk requests the page, a large file (500 kB of script), and 100 small files in turn. It uses 32 connections on
127.0.0.1 and the Accept-Encoding header of a browser (`gzip, deflate, br`). The connections stay open, or there is a
new one for each request. "Published" is a port that Docker publishes. "Host" is the host's network, without Docker's
proxy. wrk, the server and docker-proxy share the same cores: what one of them saves, the others can use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

from benchmarks import load, servers
from benchmarks.build_variants import OURS, TWO_STAGE, VARIANTS
from benchmarks.harness import Bench, Case, Goal, Measure, Metric
from benchmarks.sample_site import SampleSite, sample_site

BURST_S = 2
METRICS = (Metric("requests", "/s", more_is_better=True), Metric("p99", "ms"))
HANDBOOK_PUBLISHED, OURS_PUBLISHED = "handbook, published", "ours, published"
GOAL = Goal(
    "at least 1.5 times the handbook's requests a second",
    "requests",
    OURS_PUBLISHED,
    against=HANDBOOK_PUBLISHED,
    least=1.5,
)


def cases(bench: Bench) -> Iterator[Case]:
    """Each kind of path, with and without keep-alive."""
    if not load.installed():
        bench.skip("all", f"wrk is not installed ({load.INSTALL})")
        return
    with sample_site(bench, (OURS,) if bench.quick else VARIANTS) as site, ExitStack() as stack:
        urls = dict(_servers(bench, site, stack))
        for kind in list(site.paths)[: 1 if bench.quick else None]:
            yield load_case(bench, f"{kind}, keep-alive", urls, HANDBOOK_PUBLISHED, paths=site.paths[kind])
            if not bench.quick:
                name = f"{kind}, a connection each"
                yield load_case(bench, name, urls, HANDBOOK_PUBLISHED, paths=site.paths[kind], keepalive=False)


def _servers(bench: Bench, site: SampleSite, stack: ExitStack) -> Iterator[tuple[str, str]]:
    """The addresses of all contestants, by name."""
    sandbox = site.sandbox
    if not bench.quick:
        yield HANDBOOK_PUBLISHED, stack.enter_context(servers.published(bench, sandbox, TWO_STAGE))
    yield OURS_PUBLISHED, stack.enter_context(servers.published(bench, sandbox, OURS))
    if bench.quick:
        return
    if servers.has_host_network():
        yield "bare nginx, host", stack.enter_context(servers.bare_nginx(bench, sandbox, site.dist))
        yield "ours, host", stack.enter_context(servers.ours_on_host(bench, sandbox))
        yield "vite preview, host", stack.enter_context(servers.vite_preview(bench, sandbox))
    else:
        bench.skip("bare nginx, ours and vite preview in the host's network", servers.NO_HOST_NETWORK)
    if reason := servers.missing("caddy"):
        bench.skip("Caddy", reason)
    else:
        yield "Caddy, host", stack.enter_context(servers.caddy(site.dist))


def load_case(  # noqa: PLR0913 - what is loaded, and how
    bench: Bench,
    name: str,
    urls: Mapping[str, str],
    baseline: str,
    *,
    paths: tuple[str, ...] = ("/",),
    keepalive: bool = True,
) -> Case:
    """Load the addresses of contestants, and request these paths."""
    measures = {contestant: measure_burst(bench, url, paths, keepalive=keepalive) for contestant, url in urls.items()}
    return Case(name, measures, METRICS, baseline, goals=(GOAL,) if keepalive else ())


def measure_burst(
    bench: Bench, url: str, paths: tuple[str, ...], *, keepalive: bool = True, enter: Sequence[str] = ()
) -> Measure:
    """A function that measures METRICS of an address in one burst of load; `enter` as for load.burst()."""
    several = paths if len(paths) > 1 else ()

    def measure() -> tuple[float, float]:
        seconds = load.MIN_BURST_S if bench.quick else BURST_S
        result = load.burst(url + paths[0], seconds, several, keepalive=keepalive, enter=enter)
        return result.requests, result.p99

    return measure
