"""How the container lives: what would disturb the one that serves is tried on copies of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.containers.roles import CONFIG_HASH_LABEL
from docktasks.verify.probes.clone_trial import SCRATCH, Trial
from docktasks.verify.registry import Skip, check
from docktasks.verify.subject import Subject

LOUD = re.compile(r"\[(warn|error|crit|alert|emerg)\]")
"""The levels of nginx's log from warn on: https://nginx.org/en/docs/ngx_core_module.html#error_log."""
LINES = 5
"""How many lines of a log are evidence, and how many folders."""
KILLED = 137
"""The exit code of what ends by SIGKILL."""


@check(
    "container.writes",
    severity="major",
    needs="container",
    fix="Run it with --read-only, --ipc none, --tmpfs /dev/mqueue:ro, and a tmpfs on /tmp alone to write to",
)
def writes(subject: Subject) -> Iterator[str]:
    """A copy of it is refused a file in every folder that it has, but in /tmp."""
    writable = _trial(subject).sound.result().writable
    others = [folder for folder in writable if folder != SCRATCH]
    yield from (f"a file can be made in {folder}" for folder in others[:LINES])
    if len(others) > LINES:
        yield f"a file can be made in {len(others) - LINES} more folders"
    if SCRATCH not in writable:
        yield f"no file can be made in {SCRATCH}"


@check(
    "container.restart",
    severity="major",
    needs="container",
    fix="Run it with --restart unless-stopped",
)
def restart(subject: Subject) -> Iterator[str]:
    """It is started again when it ends, and when the engine is."""
    if subject.options.restart not in ("unless-stopped", "always"):
        yield f"restart policy: {subject.options.restart or 'no'}"


@check(
    "container.health",
    severity="major",
    needs="container",
    fix="Have the health check ask for what users get (run-prod: /healthz, which looks for index.html)",
)
def health(subject: Subject) -> Iterator[str]:
    """It is healthy, and a copy of it turns unhealthy when its index.html is gone."""
    if subject.health != "healthy":
        yield f"it is {subject.health}" if subject.health else "it has no health check"
    yield from _trial(subject).broken.result()


@check(
    "container.stop",
    severity="major",
    needs="container",
    fix="Have the main process be nginx itself, by an exec-form command, with STOPSIGNAL SIGQUIT",
)
def stop(subject: Subject) -> Iterator[str]:
    """A copy of it stops when it is told to, with exit code 0."""
    ended = _trial(subject).sound.result().ended
    if ended.state != "exited":
        yield f"told to stop, it is {ended.state}"
    elif ended.exit_code:
        yield f"exit code {ended.exit_code}{' (killed, for it did not end by itself)' * (ended.exit_code == KILLED)}"


@check(
    "container.log",
    severity="minor",
    needs="container",
    fix="Mend what the log says: docker container logs",
)
def log(subject: Subject) -> Iterator[str]:
    """A copy of it logs nothing at warn or above when it starts."""
    loud = [line for line in _trial(subject).sound.result().log.splitlines() if LOUD.search(line)]
    yield from (line[:300] for line in loud[:LINES])


@check(
    "container.release",
    severity="major",
    needs="container",
    fix="Have run-prod start it: invoke run-prod",
)
def release(subject: Subject) -> Iterator[str]:
    """Its release is what it is called: its label is there, and no name of its image is another's by now."""
    container = subject.container
    if not container.labels.get(CONFIG_HASH_LABEL):
        yield f"it has no label {CONFIG_HASH_LABEL}: run-prod did not start it"
    for named in (container.image, f"{subject.settings.app.name}:{container.release}"):
        found = subject.engine.image(named)
        if found is not None and found.id != container.image_id:
            yield f"{named} is {found.short_id} by now, and the container is of {container.release}"


def _trial(subject: Subject) -> Trial:
    """How copies of it fared. Raises Skip where there can be none, or they would tell nothing."""
    if not subject.runs:
        raise Skip("no copy of the container can be started from here")
    if subject.health != "healthy":  # where nothing tells that a copy is ready, nothing of it can be judged
        raise Skip(f"it is {subject.health or 'without a health check'}, and so would a copy of it be")
    return subject.trial
