"""Two copies of the container, tried at the same time: one is written to and stopped, the other loses its site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers import clones, networks
from docktasks.engine.models import Container, ContainerConfig, Image
from docktasks.engine.protocol import Engine
from docktasks.errors import Skip
from docktasks.roles import PROD
from docktasks.waiting import Probe, wait_until

SITE = "/srv/site"
SCRATCH_DIR = "/tmp"  # noqa: S108 - the container's own
LIST_WRITABLE_DIRS = r"""
command -v find >/dev/null || { echo 'it has no find' >&2; exit 127; }
IFS='
'; set -f
for dir in $(find / \( -path /proc -o -path /sys -o -path "$1/*" \) -prune -o -type d -print 2>/dev/null); do
    file=${dir%/}/.hello-dock-try
    { true >"$file"; } 2>/dev/null && echo "$dir" && rm -f "$file"
done; :"""
"""Shell script: prints the folders in which it can create a file, without /proc, /sys and what is below $1."""

FIRST_HEALTH_TIMEOUT_S = 15
MAX_GRACE_S = 5
"""A copy gets no requests, so it needs no longer grace period to stop."""
UNHEALTHY_TIMEOUT_S = 10
"""The health check of a copy runs several times a second, so a broken copy is unhealthy long before."""
MAX_LOG_LINES = 2000
GONE, REMOVED = "gone", "another process removed the copy while it was tried"
LOOK_INTERVAL_S = 0.1
"""Each look asks the engine. The health check of a copy runs five times a second."""


@dataclass(frozen=True)
class Original:
    """The container that is copied; `config` is what it was started with. A copy is known by its name."""

    project: Project
    container: Container
    image: Image
    config: ContainerConfig

    @contextmanager
    def started(self, suffix: str, config: ContainerConfig) -> Iterator[str]:
        """A running copy, which is removed at the end. Raises Skip when it does not start."""
        project, name = self.project, clones.clone_name(self.project.settings, suffix)
        environment = dict(sorted(self.container.environment.items() - self.image.environment.items()))
        try:
            networks.ensure(project, PROD)
            args = clones.clone_args(project.settings, name, self.image, config, environment)
            start = project.run(args, quiet=True)
            if not start.ok:
                raise Skip(f"a copy of it does not start: {start.tail(1)}")
            yield name
        finally:
            project.run(clones.remove_clones_args(name), quiet=True)

    def docker(self, *args: str) -> Result:
        """Run a `docker container` command."""
        return self.project.run(["docker", "container", *args], quiet=True)

    def await_health(self, copy: str, expected: str, limit_s: float) -> str:
        """The health of a copy as soon as it is the expected one, or after the limit. Raises Skip if it was removed."""
        health = await_health(self.project.engine, copy, limit_s, lambda health: health == expected)
        if health == GONE:
            raise Skip(REMOVED)
        return health


@dataclass(frozen=True)
class IntactClone:
    """The results of the intact copy: the folders it can write to, its log, and its state after `docker stop`.

    `configuration` is what `nginx -T` prints. In the original it would listen for a moment, and take connections.
    """

    writable: tuple[str, ...]
    log: str
    stopped: Container
    configuration: str = ""


@dataclass(frozen=True)
class BrokenClone:
    """The results of the copy that lost its site: its faults, and the address at which it reaches the original."""

    faults: Future[tuple[str, ...]]
    reached: Future[str]


@dataclass(frozen=True)
class Trial:
    """The results of both copies. `result()` raises Skip where a copy could not be tried."""

    intact: Future[IntactClone]
    broken: Future[BrokenClone]


def await_health(engine: Engine, name: str, limit_s: float, is_expected: Callable[[str], bool]) -> str:
    """The health of a container as soon as it is as expected, or after the limit; its state if it does not run."""

    def look() -> Probe:
        container = engine.container(name)
        if container is None:
            return Probe(ready=True, status=GONE)
        if container.state == "running":
            return Probe(is_expected(container.health), container.health)
        code = f" with exit code {container.exit_code}" if container.state == "exited" else ""
        return Probe(ready=True, status=f"{container.state}{code}")

    return wait_until(look, limit_s, LOOK_INTERVAL_S).status


def run_trial(original: Original) -> Trial:
    """Start both copies, try them, and remove them in any case."""
    with ThreadPoolExecutor(2) as pool:
        return Trial(pool.submit(_try_intact, original), pool.submit(_try_broken, original))


def _try_intact(original: Original) -> IntactClone:
    engine = original.project.engine
    with original.started("intact", original.config) as name, ThreadPoolExecutor(1) as pool:
        health = original.await_health(name, "healthy", original.project.settings.prod.deploy_timeout)
        if health != "healthy":
            raise Skip(f"a copy of it is {health}, and not healthy")
        printed = pool.submit(original.docker, "exec", name, *clones.configuration_args(original.config.command))
        listing = original.docker("exec", name, "sh", "-c", LIST_WRITABLE_DIRS, "sh", SCRATCH_DIR)
        configuration = printed.result().output
        original.docker("stop", "-t", str(min(original.config.stop_timeout, MAX_GRACE_S)), name)
        stopped = engine.container(name)
        if stopped is None:
            raise Skip(REMOVED)
        log = engine.logs(name, MAX_LOG_LINES)
        if not listing.ok:
            raise Skip(f"a copy of it cannot list its writable folders: {listing.tail(1)}")
        return IntactClone(tuple(listing.output.splitlines()), log, stopped, configuration)


def _try_broken(original: Original) -> BrokenClone:
    # Without capabilities, root may still delete its own files.
    config = replace(original.config, read_only=False, dropped=(), added=())
    engine, port = original.project.engine, PROD.container_port
    with original.started("broken", config) as name, ThreadPoolExecutor(2) as pool:
        # It waits a second for an answer that does not come. This copy lives longer than that.
        reached = pool.submit(networks.reached_address, engine, name, original.container, port)
        return BrokenClone(pool.submit(lambda: tuple(_faults_without_site(original, name))), reached)


def _faults_without_site(original: Original, name: str) -> Iterator[str]:
    limit_s = original.project.settings.prod.deploy_timeout
    health = original.await_health(name, "healthy", limit_s)
    if health != "healthy":
        yield f"a copy of it is {health} after {limit_s} s, and not healthy"
        return
    removal = original.docker("exec", "--user", "0:0", name, "rm", "-r", SITE)
    if not removal.ok:
        raise Skip(f"root cannot remove {SITE} in a copy of it: {removal.tail(1)}")
    health = original.await_health(name, "unhealthy", UNHEALTHY_TIMEOUT_S)
    if health != "unhealthy":
        yield f"without {SITE} a copy of it is {health}"
