"""How the container starts, reports its health and stops. What would disturb it is tried on copies of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.containers import networks
from docktasks.errors import Skip
from docktasks.images.releases import release_tag
from docktasks.labels import CONFIG_HASH_LABEL
from docktasks.roles import PROD
from docktasks.verify.checks.container import REPLACE
from docktasks.verify.probes.clone_trial import SCRATCH_DIR, Trial
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

LOUD_LINE = re.compile(r"\[(warn|error|crit|alert|emerg)\]")
"""nginx's log levels from warn on: https://nginx.org/en/docs/ngx_core_module.html#error_log."""
SIGKILL_EXIT_CODE = 137


def trial_of(subject: Subject) -> Trial:
    """The results of the copies. Raises Skip if none can be started, or if they would prove nothing."""
    if not subject.has("image"):
        raise Skip("its image is gone, so no copy of it can be started")
    if subject.health() != "healthy":  # nothing would show that a copy is ready
        raise Skip(f"it is {subject.health() or 'without a health check'}, and a copy of it would be so, too")
    return subject.trial()


@check("container.writable-paths", "major", fix="Run with --read-only --ipc none --tmpfs /dev/mqueue:ro --tmpfs /tmp")
def writable_paths(subject: Subject) -> Iterator[str]:
    """A copy of the container can write to /tmp only."""
    writable = trial_of(subject).intact.result().writable
    yield from (f"it can write to {folder}" for folder in writable if folder != SCRATCH_DIR)
    if SCRATCH_DIR not in writable:
        yield f"it cannot write to {SCRATCH_DIR}"


@check("container.network", "critical", fix="Make its network again: invoke stop, then invoke run-prod")
def network(subject: Subject) -> Iterator[str]:
    """The container has a network of its own, in which no other reaches it; without an API also without a way out."""
    yield from networks.faults(subject.project, subject.container, PROD)
    if reached := trial_of(subject).broken.result().reached.result():
        yield f"a copy of it reaches it at {reached}"


@check("container.health", "major", fix="Let the health check request what users get, as run-prod: /healthz")
def health(subject: Subject) -> Iterator[str]:
    """The container is healthy, and a copy of it becomes unhealthy when its site is removed."""
    if subject.health() != "healthy":
        yield f"it is {subject.health()}" if subject.health() else "it has no health check"
    yield from trial_of(subject).broken.result().faults.result()


@check("container.stop", "major", fix="Make nginx the main process, by an exec-form command, with STOPSIGNAL SIGQUIT")
def stop(subject: Subject) -> Iterator[str]:
    """A copy of the container ends with exit code 0 on docker stop."""
    stopped = trial_of(subject).intact.result().stopped
    if stopped.state != "exited":
        yield f"after docker stop it is {stopped.state}"
    elif stopped.exit_code == SIGKILL_EXIT_CODE:
        yield f"exit code {SIGKILL_EXIT_CODE}: it did not end by itself, so Docker killed it"
    elif stopped.exit_code:
        yield f"exit code {stopped.exit_code}"


@check("container.log", "minor", fix="Read docker container logs, and correct what it reports")
def log(subject: Subject) -> Iterator[str]:
    """A copy of the container logs nothing at level warn or above when it starts."""
    return filter(LOUD_LINE.search, trial_of(subject).intact.result().log.splitlines())


@check("container.release", "major", fix=REPLACE)
def release(subject: Subject) -> Iterator[str]:
    """The container runs the release that its label and its image's tags name."""
    container = subject.container
    if not container.labels.get(CONFIG_HASH_LABEL):
        yield f"it has no label {CONFIG_HASH_LABEL}: run-prod did not start it"
        return
    for name in (container.image_id, container.image, release_tag(subject.project.settings, container.release)):
        image = subject.project.engine.image(name)
        if image is not None and container.release != image.release:
            yield f"{name} is {image.release} now, but the container runs {container.release}"
