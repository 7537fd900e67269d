"""Replacing a release on three machines.

Three engines in network namespaces form a Docker Swarm. Eight visitors load whole pages through haproxy, which asks the
nodes in turn, twice a second whether they are well, and repeats no request. Ours is `invoke deploy`. The others are
`docker stack deploy` of the handbook's image with Swarm's defaults: stop-first on a port of each node, and start-first,
where haproxy asks Swarm's names for the tasks, in place of the routing mesh. Lost: requests without a complete answer.
Missing: files of a page that the node had not, because it served another release.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stdout
from io import StringIO
from itertools import count
from pathlib import Path

from benchmarks.build_variants import OURS, TWO_STAGE, build_sandbox
from benchmarks.fleet import LocalFleet
from benchmarks.harness import INVOKE, SECONDS, Bench, Case, Goal, Metric
from benchmarks.own_engine import can_start

REQUESTS, LOST, MISSING = Metric("requests", "", more_is_better=True), Metric("lost", ""), Metric("missing", "")
GOALS = (Goal("no request is lost", LOST.name, most=0), Goal("no file is missing", MISSING.name, most=0))
VISITORS = 8
ROUNDS = 3
OUR_PORT, PORT = 8080, 8100
MESH = "mesh"

HANDBOOK_RELEASE = r"""FROM {origin}
RUN cd /usr/share/nginx/html/assets && \
    for file in *; do mv "$file" "${{file%.*}}-r{number}.${{file##*.}}"; done && \
    sed -i -E 's#([A-Za-z]+-[A-Za-z0-9_-]{{8}})\.(js|css)#\1-r{number}.\2#g' *.js ../index.html
"""
STOP_FIRST = """services:
  site:
    image: {image}
    ports: [{{target: 80, published: {port}, mode: host}}]
    deploy: {{mode: global}}
"""
START_FIRST = """services:
  site:
    image: {image}
    networks: [{mesh}]
    deploy: {{mode: global, endpoint_mode: dnsrr, update_config: {{order: start-first}}}}
networks: {{{mesh}: {{external: true}}}}
"""

Replace = Callable[[str], None]


def cases(bench: Bench) -> Iterator[Case]:
    """One case: all in turn."""
    if bench.quick or not can_start():
        bench.skip("all", "three engines take minutes (nox -s fleet starts them), and root, dockerd, nsenter and ip")
        return
    with ExitStack() as stack:
        sandbox = stack.enter_context(build_sandbox(bench, bench.engine, bench.settings, bench.name))
        fleet = LocalFleet(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        stack.callback(fleet.end)
        with redirect_stdout(StringIO()):  # each command of the swarm
            fleet.start()
            for variant in (OURS, TWO_STAGE):
                bench.output(sandbox.build_args(variant))
                fleet.load(sandbox.tag(variant))
            handbook = sandbox.tag(TWO_STAGE)
            measures = {
                "ours": _ours(bench, fleet, sandbox.tag(OURS)),
                "stack deploy, stop-first": _plain(bench, fleet, STOP_FIRST, handbook),
                "stack deploy, start-first": _plain(bench, fleet, START_FIRST, handbook),
            }
        yield Case("8 visitors", measures, (SECONDS, REQUESTS, LOST, MISSING), rounds=ROUNDS, warm=False, goals=GOALS)


class Replacement:
    """Replaces a release of the fleet under load, and measures what that costs. Each release has a number."""

    numbers = count(1)

    def __init__(self, fleet: LocalFleet, address: str, release: Callable[[int], str], replace: Replace) -> None:
        self.fleet, self.address, self.release, self.replace = fleet, address, release, replace
        replace(release(next(self.numbers)))

    def __call__(self) -> tuple[float, ...]:
        """Replace it once. Returns a value for each metric."""
        with redirect_stdout(StringIO()):
            image = self.release(next(self.numbers))
        with self.fleet.visitors([self.address], VISITORS) as counts:
            start = time.perf_counter()
            self.replace(image)
            seconds = time.perf_counter() - start
        return seconds, counts["requests"], counts["lost"], counts["missing"]


def _ours(bench: Bench, fleet: LocalFleet, origin: str) -> Replacement:
    environ = {"DOCKER_HOST": fleet.host(), "INVOKE_FLEET_HOST_PORT": str(OUR_PORT), "INVOKE_FLEET_DELAY": "1"}

    def replace(image: str) -> None:
        bench.output([*fleet.enter, *INVOKE, "deploy", f"--image={image}"], **environ)

    return Replacement(fleet, fleet.start_balancer(OUR_PORT), lambda number: fleet.release(origin, number), replace)


def _plain(bench: Bench, fleet: LocalFleet, text: str, origin: str) -> Replacement:
    is_start_first = text is START_FIRST
    name = f"{bench.name}-{'start' if is_start_first else 'stop'}"
    path = fleet.folder / f"{name}.yml"

    def replace(image: str) -> None:
        path.write_text(text.format(image=image, port=PORT, mesh=MESH))
        deploy = ["docker", "stack", "deploy", "--detach=false", "--resolve-image", "never"]
        bench.output([*deploy, "--compose-file", str(path), name], DOCKER_HOST=fleet.host())

    if is_start_first:
        address = fleet.start_task_balancer(f"{name}_site", origin, MESH)
    else:
        address = fleet.start_balancer(PORT, "/")

    def release(number: int) -> str:
        return fleet.push(HANDBOOK_RELEASE.format(origin=origin, number=number), str(number))

    return Replacement(fleet, address, release, replace)
