"""A published port, seen from another machine.

wrk runs in a network namespace that a virtual cable connects to this machine, with 32 connections that stay open. The
engine passes its packets on by the kernel's rules (NAT) into the container's network; docker-proxy takes no part. The
same image in the host's network needs no such rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import load, network, servers
from benchmarks.build_variants import OURS, BuildSandbox
from benchmarks.harness import Bench, Case, Goal
from benchmarks.sample_site import sample_site
from benchmarks.topics.serving import METRICS, measure_burst
from docktasks.containers.run_args import remove_args

HOST, PUBLISHED = "ours, host", "ours, published"
GOAL = Goal("at least 0.9 of the requests that the host's network serves", "requests", PUBLISHED, HOST, least=0.9)


def cases(bench: Bench) -> Iterator[Case]:
    """Each kind of path."""
    if not (load.installed() and network.can_add_neighbour()):
        bench.skip("all", f"it takes wrk ({load.INSTALL}), and root on Linux")
        return
    with sample_site(bench, (OURS,)) as site, ExitStack() as stack:
        address, enter = stack.enter_context(network.neighbour())
        urls = {
            HOST: stack.enter_context(servers.ours_on_host(bench, site.sandbox, ip=address)),
            PUBLISHED: stack.enter_context(_published(bench, site.sandbox, address)),
        }
        for kind in list(site.paths)[: 1 if bench.quick else None]:
            paths = site.paths[kind]
            measures = {name: measure_burst(bench, url, paths, enter=enter) for name, url in urls.items()}
            yield Case(kind, measures, METRICS, HOST, goals=(GOAL,))


@contextmanager
def _published(bench: Bench, sandbox: BuildSandbox, address: str) -> Iterator[str]:
    """Run our image with a port that is published at an address of this machine. Yields its URL."""
    port = network.free_port()
    name = f"{sandbox.container_name(OURS)}-{port}"
    try:
        bench.output(sandbox.run_args(OURS, name=name, publish=f"{address}:{port}"))
        yield servers.await_answer(f"http://{address}:{port}", name)
    finally:
        bench(remove_args(name))
