"""Serving under load.

wrk with 32 connections on the loopback, asking as a browser does (`Accept-Encoding: gzip, deflate, br`), for the page,
for a large file (500 kB of script) and for 100 small ones in turn; over connections that stay, and over a new one for
every request. "Published" is behind the port that Docker publishes, "host" without that: in the host's network. wrk,
the server and docker-proxy share the same cores, so what one saves the others have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks import load, peers, site
from benchmarks.approaches import APPROACHES, OURS, TWO_STAGE
from benchmarks.harness import Bench, Case, Goal, Measure, Metric

METRICS = (Metric("requests", "/s", more=True), Metric("p99", "ms"))
HANDBOOK, OURS_PUBLISHED = "handbook, published", "ours, published"
FASTER = Goal(
    "at least 1.5 times the handbook's requests a second", "requests", OURS_PUBLISHED, against=HANDBOOK, least=1.5
)


def cases(bench: Bench) -> Iterator[Case]:
    """Every kind of path, with and without keep-alive."""
    if not load.installed():
        bench.skip("all", f"wrk is not installed ({load.HOW})")
        return
    with site.built(bench, (TWO_STAGE, OURS) if bench.quick else APPROACHES) as built, ExitStack() as left:
        urls = dict(servers(bench, built, left))
        kinds = list(built.paths)[:1] if bench.quick else list(built.paths)
        for kind in kinds:
            for keepalive in (True, False)[: 1 if bench.quick else 2]:
                paths = built.paths[kind]
                measures = {who: bursts(bench, url, paths, keepalive=keepalive) for who, url in urls.items()}
                name = f"{kind}, {'keep-alive' if keepalive else 'a connection each'}"
                goals = (FASTER,) if keepalive else ()
                yield Case(name, measures, METRICS, HANDBOOK, goals=goals)


def servers(bench: Bench, built: site.Site, left: ExitStack) -> Iterator[tuple[str, str]]:
    """Everyone, by name, with the address."""
    shop = built.shop
    yield HANDBOOK, left.enter_context(peers.published(bench, shop, TWO_STAGE))
    yield OURS_PUBLISHED, left.enter_context(peers.published(bench, shop, OURS))
    if bench.quick:
        return
    if peers.has_host_network():
        yield "bare nginx, host", left.enter_context(peers.bare_nginx(bench, shop, built.dist))
        yield "ours, host", left.enter_context(peers.ours_on_host(bench, shop))
        yield "vite preview, host", left.enter_context(peers.vite_preview(bench, shop))
    else:
        bench.skip("bare nginx, ours and vite preview in the host's network", peers.HOST_ONLY)
    if why := peers.missing("caddy"):
        bench.skip("Caddy", why)
    else:
        yield "Caddy, host", left.enter_context(peers.caddy(built.dist))


def bursts(bench: Bench, url: str, paths: tuple[str, ...], *, keepalive: bool = True) -> Measure:
    """A burst of load: requests a second, and p99."""

    def once() -> tuple[float, float]:
        several = paths if len(paths) > 1 else ()
        address = url + paths[0]
        seen = load.burst(address, 1 if bench.quick else 2, several, keepalive=keepalive)
        return seen.requests, seen.p99

    return once
