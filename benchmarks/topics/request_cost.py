"""What a request costs.

CPU: the time of nginx for a request, in user and kernel mode, as the control group counts it. wrk requests over 32
connections that stay open, in the host's network, so that no proxy takes part. Bare nginx serves the same files with
its image's own configuration. Memory: of a published container with 10,000 files, while 1,000 connections are open,
each after a request for another file.
"""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from benchmarks import load, servers
from benchmarks.build_variants import OURS, TWO_STAGE, VARIANTS, BuildSandbox, build_sandbox
from benchmarks.harness import Bench, Case, Goal, Measure, Metric
from benchmarks.sample_site import sample_site
from docktasks.engine.client import DockerEngine
from docktasks.errors import BenchError

BURST_S = 2
FILES, CONNECTIONS = 10_000, 1_000
FILE_DESCRIPTORS = 4_096
TIMEOUT_S = 10
CPU, MEMORY = Metric("CPU", "µs"), Metric("memory", "MB")
CPU_GOAL = Goal("at most 1.1 times the CPU time of bare nginx", CPU.name, against="bare nginx", most=1.1)
MEMORY_GOAL = Goal("at most 8 MB", MEMORY.name, most=8)


def cases(bench: Bench) -> Iterator[Case]:
    """CPU time for each kind of path, and memory."""
    if load.installed() and servers.has_host_network():
        yield from _cpu_cases(bench)
    else:
        bench.skip("CPU", f"it takes wrk ({load.INSTALL}) and the host's network")
    yield from _memory_case(bench)


def _cpu_cases(bench: Bench) -> Iterator[Case]:
    with sample_site(bench, (OURS,) if bench.quick else VARIANTS) as site, ExitStack() as stack:
        urls = {} if bench.quick else {
            "bare nginx": stack.enter_context(servers.bare_nginx(bench, site.sandbox, site.dist)),
        }  # fmt: skip
        urls["ours"] = stack.enter_context(servers.ours_on_host(bench, site.sandbox))
        for kind in list(site.paths)[: 1 if bench.quick else None]:
            measures = {name: _cpu_measure(bench, url, site.paths[kind]) for name, url in urls.items()}
            yield Case(f"CPU, {kind}", measures, (CPU,), "bare nginx", goals=(CPU_GOAL,))


def _cpu_measure(bench: Bench, url: str, paths: Sequence[str]) -> Measure:
    name = servers.host_container(bench, urlsplit(url).port or 0)

    def measure() -> float:
        before = _cpu_ns(bench.engine, name)
        requests = load.burst(url, BURST_S, paths).requests * BURST_S
        return (_cpu_ns(bench.engine, name) - before) / 1e3 / requests

    return measure


def _cpu_ns(engine: DockerEngine, name: str) -> float:
    usage = engine.client.containers.get(name).stats(stream=False, one_shot=True)["cpu_stats"]["cpu_usage"]
    return float(usage["total_usage"])


def _memory_case(bench: Bench) -> Iterator[Case]:
    with build_sandbox(bench, bench.engine, bench.settings, bench.name) as sandbox, ExitStack() as stack:
        _add_files(sandbox)
        measures = {}
        for name, variant in bench.contestants({"handbook": TWO_STAGE, "ours": OURS}).items():
            bench.output(sandbox.build_args(variant))
            url = stack.enter_context(servers.published(bench, sandbox, variant))
            measures[name] = _memory_measure(bench, url)
        title = f"memory, {FILES:,} files, {CONNECTIONS:,} connections"
        yield Case(title, measures, (MEMORY,), "handbook", goals=(MEMORY_GOAL,))


def _add_files(sandbox: BuildSandbox) -> None:
    folder = sandbox.app / "public" / "many"
    folder.mkdir(parents=True)
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(f"file {number}\n" * 20)


def _memory_measure(bench: Bench, url: str) -> Measure:
    def measure() -> float:
        with _open_connections(url):
            return servers.published_memory_bytes(bench.engine, url) / 1e6

    return measure


@contextmanager
def _open_connections(url: str) -> Iterator[None]:
    """Open the connections, and request another file over each. Raises BenchError when one gets no answer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(FILE_DESCRIPTORS, hard)), hard))
    address = ("127.0.0.1", urlsplit(url).port or 0)
    with ExitStack() as stack:
        for number in range(CONNECTIONS):
            client = stack.enter_context(socket.create_connection(address, TIMEOUT_S))
            path = f"/many/{number * (FILES // CONNECTIONS)}.txt"
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = client.recv(4_096)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise BenchError(f"{path} is not served: {answer[:60]!r}", "", "See the container's log")
        yield
