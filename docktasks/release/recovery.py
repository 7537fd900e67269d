"""Recovery: what an interrupted task, or a change by hand, left of the production containers is put right."""

from __future__ import annotations

from docktasks import waiting
from docktasks.containers import clones
from docktasks.engine.models import Container
from docktasks.release.production import ReleaseContainers
from docktasks.roles import CANDIDATE, CARRY, DEV, HOLDER, HOLDER_PREVIOUS, NEXT, PREVIOUS, PROD_ROLES


def recover(containers: ReleaseContainers) -> bool:
    """Complete or undo what an interrupted task began, and return True if there was one. May be interrupted itself."""
    if _is_undisturbed(containers):
        return False
    _remove_helpers(containers)
    adopt_or_remove_renamed(containers)
    interrupted = any(containers.container(role) for role in (NEXT, PREVIOUS, HOLDER_PREVIOUS))
    if containers.container(HOLDER_PREVIOUS):
        finish_move(containers)
    _name_current(containers)
    restart_stopped(containers)
    for role in (NEXT, PREVIOUS):
        if containers.container(role):
            containers.drain(role)
    current = containers.container()
    if interrupted and current:
        timeout_s = containers.project.settings.prod.deploy_timeout
        recovered = waiting.wait_until(lambda: waiting.Probe(_is_serving(containers.container())), timeout_s)
        state = "serves" if recovered.ready else "does not answer"
        containers.progress(f"recovered from an interrupted task: release {current.release} {state}")
    return interrupted


def _is_undisturbed(containers: ReleaseContainers) -> bool:
    """Return True if the project has a current release that serves, its port holder, and no other of production."""
    project = containers.project
    own = [own for own in project.engine.containers(project.settings.app.name) if own.role != DEV.name]
    names = {project.settings.container(role) for role in ("prod", HOLDER)}
    return {container.name for container in own} == names and all(container.serves for container in own)


def _remove_helpers(containers: ReleaseContainers) -> None:
    """Remove the containers that never serve: a candidate, one that bridges assets, clones whose task has ended."""
    for role in (CANDIDATE, CARRY):
        if containers.container(role):
            containers.remove_roles(role)
    project = containers.project
    for name in clones.abandoned_clones(project.engine.containers(project.settings.app.name)):
        project.run(clones.remove_clones_args(name), quiet=True)


def adopt_or_remove_renamed(containers: ReleaseContainers) -> None:
    """Give a release that was renamed by hand its name back, or remove it, because it would answer next to another."""
    project = containers.project
    names = [project.settings.container(role) for role in PROD_ROLES]
    for container in project.engine.containers(project.settings.app.name):
        if container.role != "prod" or container.name in names or not container.serves:
            continue
        if any(containers.container(role) for role in ("prod", PREVIOUS, NEXT)):
            containers.progress.note(f"{container.name} is a renamed release, and not the current one: it is removed.")
            containers.stop_and_remove(container.name, container.image_id)
        else:
            containers.rename_container(container.name, project.settings.container("prod"))


def finish_move(containers: ReleaseContainers) -> None:
    """Remove the containers that a move set aside, or put them back if the new release does not serve."""
    previous = containers.container(PREVIOUS)
    if previous and not _is_serving(containers.container()):
        _undo_move(containers, previous)
        return
    if previous:
        containers.drain(PREVIOUS)
    containers.remove_roles(HOLDER_PREVIOUS)


def _undo_move(containers: ReleaseContainers, previous: Container) -> None:
    containers.remove_roles("prod", HOLDER)
    # The holder first: as long as it is set aside, recover() takes a container called prod for the new release.
    containers.rename_role(HOLDER_PREVIOUS, HOLDER)
    containers.rename_role(PREVIOUS, "prod")
    # A Ctrl-C does not end `docker container stop`: the engine goes on with it. The container then still runs, but its
    # nginx answers no more.
    if not (previous.serves and waiting.http_ready(f"{previous.url}/", needs_page=False).ready):
        containers.restart(HOLDER, "prod")


def _is_serving(release: Container | None) -> bool:
    """Return True if a release is healthy and its address answers."""
    if release is None or not release.serves or release.health not in ("healthy", ""):
        return False
    return waiting.http_ready(f"{release.url}/", needs_page=False).ready


def _name_current(containers: ReleaseContainers) -> None:
    """Give the current release its name if a swap was interrupted between its two renames."""
    if containers.container():
        return
    for role in (NEXT, PREVIOUS):  # the next one first: it had answered requests before anything was renamed
        if containers.container(role):
            containers.rename_role(role, "prod")
            return


def restart_stopped(containers: ReleaseContainers) -> None:
    """Restart a release that was stopped, or whose port holder was stopped."""
    current, holder = containers.container(), containers.container(HOLDER)
    if holder and holder.state == "paused":  # by an interrupted `invoke stop`
        containers.project.run(["docker", "container", "unpause", holder.name], quiet=True)
        holder = containers.container(HOLDER)
    if current and holder and not current.serves:
        containers.restart(*([] if holder.state == "running" else [HOLDER]), "prod")
