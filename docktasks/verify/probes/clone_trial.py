"""What two copies of the container go through, side by side: one is written to and stopped, the other's site broken."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from docktasks.commands import Result
from docktasks.containers import clones
from docktasks.engine.models import Container, ContainerConfig
from docktasks.verify.registry import Skip
from docktasks.verify.subject import Subject
from docktasks.waiting import Probe, wait_until

PAGE = "/srv/site/index.html"
SCRATCH = "/tmp"  # noqa: S108 - the container's own
TRY = r"""
command -v find >/dev/null || { echo 'it has no find' >&2; exit 127; }
IFS='
'; set -f
for at in $(find / \( -path /proc -o -path /sys -o -path "$1/*" \) -prune -o -type d -print 2>/dev/null); do
    f=${at%/}/.hello-dock-try
    { true >"$f"; } 2>/dev/null && echo "$at" && rm -f "$f"
done; :"""
"""Prints the folders in which a file can be made, and takes it back: all but the kernel's own and those in $1."""

STARTING = 15
"""Seconds in which a container that serves has had its first health check."""
GRACE = 5
"""Seconds in which a copy that nobody asks for anything stops at the latest, where its grace is longer."""
BREAKING = 10
"""Seconds in which a broken copy turns unhealthy at the latest: it is looked at several times a second."""
LINES = 2000
"""How much of its log is read: far more than a start says."""


@dataclass(frozen=True)
class Sound:
    """How the copy fared that was left as it is: where it could write, its log, and how it was when stopped."""

    writable: tuple[str, ...]
    log: str
    ended: Container


@dataclass(frozen=True)
class Trial:
    """What became of both; a result that there is not raises Skip with the reason. `broken` are the faults found."""

    sound: Future[Sound]
    broken: Future[tuple[str, ...]]


def settled(subject: Subject) -> str:
    """The container's own health, after its first check; how it is where it does not run."""
    now = ""

    def look() -> Probe:
        nonlocal now
        found = subject.engine.container(subject.container.name)
        now = "gone" if found is None else found.health if found.state == "running" else found.state
        return Probe(now != "starting")

    wait_until(look, STARTING)
    return now


def hold(subject: Subject) -> Trial:
    """Start both, try them, and remove them whatever happens."""
    with ThreadPoolExecutor(2) as pool:
        return Trial(pool.submit(_sound, subject), pool.submit(_broken, subject))


def _sound(subject: Subject) -> Sound:
    with _copy(subject, "sound") as twin:
        status = twin.await_health("healthy", subject.settings.prod.deploy_timeout)
        if status != "healthy":
            raise Skip(f"a copy of it is {status}, and not healthy")
        tried = twin.run("exec", twin.name, "sh", "-c", TRY, "sh", SCRATCH)
        grace = min(twin.given.stop_timeout, GRACE)
        twin.run("stop", "-t", str(grace), twin.name)
        ended = twin.there()
        log = subject.engine.logs(twin.name, LINES)
        if not tried.ok:
            raise Skip(f"in a copy of it no shell tries to write: {tried.tail(1)}")
        return Sound(tuple(tried.output.splitlines()), log, ended)


def _broken(subject: Subject) -> tuple[str, ...]:
    with _copy(subject, "broken", writable=True) as twin:
        status = twin.await_health("healthy", subject.settings.prod.deploy_timeout)
        if status != "healthy":
            return (f"a copy of it is {status} within {subject.settings.prod.deploy_timeout} s, and not healthy",)
        broke = twin.run("exec", "--user", "0:0", twin.name, "rm", PAGE)
        if not broke.ok:
            raise Skip(f"in a copy of it root cannot remove {PAGE}: {broke.tail(1)}")
        status = twin.await_health("unhealthy", BREAKING)
        return () if status == "unhealthy" else (f"without {PAGE} a copy of it is {status}",)


@dataclass(frozen=True)
class _Twin:
    """One copy that runs."""

    subject: Subject
    name: str
    given: ContainerConfig

    def run(self, *args: str) -> Result:
        """What a command of `docker container` leaves."""
        return self.subject.run(["docker", "container", *args], quiet=True)

    def there(self) -> Container:
        """It, as it is now. Raises Skip when somebody removed it."""
        found = self.subject.engine.container(self.name)
        if found is None:
            raise Skip("a copy of it was removed by somebody else while it was tried")
        return found

    def await_health(self, wanted: str, limit: float) -> str:
        """Its health when it is the wanted one, the limit is reached, or it has ended; how it ended, then."""
        seen = ""

        def look() -> Probe:
            nonlocal seen
            found = self.there()
            runs = found.state == "running"
            seen = found.health if runs else f"{found.state} with exit code {found.exit_code}"
            return Probe(not runs or seen == wanted)

        wait_until(look, limit)
        return seen


@contextmanager
def _copy(subject: Subject, which: str, *, writable: bool = False) -> Iterator[_Twin]:
    """A copy that runs, until the block ends. Raises Skip when there is none."""
    given = subject.options
    if writable:  # also by root, who owns what is there, with no capability or all of them
        given = replace(given, read_only=False, dropped=(), added=())
    name = clones.clone_name(subject.settings, which)
    built = subject.image.environment.items()
    environment = dict(sorted(subject.container.environment.items() - built))
    args = clones.clone_args(subject.settings, name, subject.image, given, environment)
    twin = _Twin(subject, name, given)
    try:
        started = subject.run(args, quiet=True)
        if not started.ok:
            raise Skip(f"a copy of it does not start: {started.tail(1)}")
        yield twin
    finally:
        subject.run(clones.remove_clones_args(name), quiet=True)
