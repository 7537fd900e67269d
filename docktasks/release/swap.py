"""How a release starts to serve, and how it replaces another one without losing a request.

The port holder owns the published port and the network namespace. Two releases can listen in that namespace at the same
time; the kernel then divides new connections between them. docs/releases.md draws it.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.containers import ports, startup
from docktasks.containers.ports import Bind
from docktasks.engine.models import Container
from docktasks.errors import ConflictError
from docktasks.release import history, production, recovery
from docktasks.release.gate import Passed, check_candidate
from docktasks.release.run_args import Release
from docktasks.roles import HOLDER, HOLDER_PREVIOUS, NEXT, PREVIOUS, PROD, PROD_SLOTS

GAP_STOP_TIMEOUT_S = 1
"""How long a release may take to stop when its port is needed: no request can be answered until the port is free."""


def deploy(project: Project, release: Release, bind: Bind, *, gate: bool = True) -> str:
    """Make the release serve at `bind`, and return its URL. Without the `gate` it is not checked before.

    All that can fail without a change comes first: what serves then goes on. Raises StartError or ConflictError.
    """
    for slot in PROD_SLOTS:
        startup.own_container(project, slot)  # it raises ConflictError if the name belongs to a container of others
    _require_own_volume(project)
    ports.require_free(project, PROD, bind)
    current = startup.own_container(project, "prod")
    serving = current if current and current.serves and production.current_bind(project) else None
    if serving:
        history.record_missed_release(project, serving)
    _prepare(project, release, gate=gate)
    if serving is None:
        return start(project, release, bind)
    if production.holds(project, bind):
        return swap(project, release, bind, serving)
    return move(project, release, bind, serving)


def _require_own_volume(project: Project) -> None:
    engine, settings = project.engine, project.settings
    volume = settings.container("carried")
    if engine.has_volume(volume) and volume not in engine.volumes(settings.app.name):
        raise ConflictError(
            f"hello-dock did not create the volume {volume}.",
            "Releases would write their assets to it, and remove the other files in it.",
            f"Rename or remove it (docker volume rm {volume}), or choose another name: INVOKE_APP_NAME=my-app",
        )


def start(project: Project, release: Release, bind: Bind) -> str:
    """Start the release where none serves, and return its URL. Raises StartError or ConflictError."""
    current, holder = startup.own_container(project, "prod"), startup.own_container(project, HOLDER)
    reuse_holder = holder is not None and holder.state == "running" and production.holds(project, bind)
    if current:
        production.remove(project, current.name)
    if holder and not reuse_holder:
        production.remove(project, holder.name)
    started = [project.settings.container(slot) for slot in ("prod", *([] if reuse_holder else [HOLDER]))]
    with waiting.on_failure(lambda: production.remove(project, *started)):
        url = _bring_up(project, release, bind, reuse_holder=reuse_holder)
    project.progress(f"release {release.id} serves")
    return url


def swap(project: Project, release: Release, bind: Bind, current: Container) -> str:
    """Start the release next to the current one, drain that, and return the URL. Raises StartError or ConflictError."""
    with waiting.on_failure(lambda: recovery.recover(project)):
        production.start(project, NEXT, release, bind)
        url = startup.await_serving(project, NEXT, shared_port=True)
        production.rename(project, current.name, PREVIOUS)
        production.rename(project, project.settings.container(NEXT), "prod")
    project.progress(f"release {release.id} serves, next to {_described(current, release)}")
    production.drain(project, project.settings.container(PREVIOUS))
    project.progress(f"drained and removed {_described(current, release)}")
    return url


def move(project: Project, release: Release, bind: Bind, current: Container) -> str:
    """Start the release with a port holder for another address or network, remove the current pair, and return the URL.

    Another address on the same port needs a gap: the port is free only after the current port holder has stopped.
    """
    needs_gap = bind.host_port in {published.host_port for published in current.published}
    if production.current_bind(project) == bind:
        project.progress.note("The port holder is replaced by one in other networks.")
    with waiting.on_failure(lambda: recovery.recover(project)):
        production.rename(project, current.name, PREVIOUS)
        production.rename(project, project.settings.container(HOLDER), HOLDER_PREVIOUS)
        gap_start_s = time.monotonic()
        if needs_gap:
            _free_port(project, bind)
        url = _bring_up(project, release, bind)
    gap = f"after a gap of {time.monotonic() - gap_start_s:.1f} s" if needs_gap else "without a gap"
    project.progress(f"release {release.id} serves, {gap}")
    recovery.finish_move(project)
    project.progress(f"drained and removed {_described(current, release)}")
    return url


def _described(current: Container, release: Release) -> str:
    """Name the container that a release replaces; it may run the same release with other settings."""
    return "the previous container" if current.release == release.id else f"release {current.release}"


def _free_port(project: Project, bind: Bind) -> None:
    project.progress.note(f"{bind} needs the port of the current release: a gap begins.")
    for slot in (PREVIOUS, HOLDER_PREVIOUS):
        production.stop(project, project.settings.container(slot), GAP_STOP_TIMEOUT_S)


def _prepare(project: Project, release: Release, *, gate: bool) -> None:
    """Do what can fail before a container that serves is touched."""
    check: AbstractContextManager[Passed | None] = check_candidate(project, release) if gate else nullcontext()
    with check as passed:
        if passed:
            project.progress(f"gate passed: {passed}")
            for notice in passed.visit.notices:
                project.progress.note(notice)
        history.bridge_assets(project, release)
    project.progress("assets bridged")


def _bring_up(project: Project, release: Release, bind: Bind, *, reuse_holder: bool = False) -> str:
    if not reuse_holder:
        bind = ports.publish(project, PROD, bind, lambda free: production.start(project, HOLDER, release, free))
    production.start(project, "prod", release, bind)
    # A port holder that was there before may be answering, too.
    return startup.await_serving(project, "prod", shared_port=reuse_holder)
