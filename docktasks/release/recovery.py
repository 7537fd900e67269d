"""Recovery: what an interrupted task, or a change by hand, left of the production containers is put right."""

from __future__ import annotations

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.containers import clones
from docktasks.containers.startup import own_container
from docktasks.engine.models import Container
from docktasks.release import production
from docktasks.roles import CANDIDATE, CARRY, DEV, HOLDER, HOLDER_PREVIOUS, NEXT, PREVIOUS, PROD_SLOTS


def recover(project: Project) -> bool:
    """Complete or undo what an interrupted task began, and return True if there was one. May be interrupted itself."""
    if _is_undisturbed(project):
        return False
    _remove_helpers(project)
    adopt_or_remove_renamed(project)
    interrupted = any(own_container(project, slot) for slot in (NEXT, PREVIOUS, HOLDER_PREVIOUS))
    if own_container(project, HOLDER_PREVIOUS):
        finish_move(project)
    _name_current(project)
    restart_stopped(project)
    for slot in (NEXT, PREVIOUS):
        if container := own_container(project, slot):
            production.drain(project, container.name)
    current = own_container(project, "prod")
    if interrupted and current:
        timeout_s = project.settings.prod.deploy_timeout
        recovered = waiting.wait_until(lambda: waiting.Probe(_is_serving(own_container(project, "prod"))), timeout_s)
        state = "serves" if recovered.ready else "does not answer"
        project.progress(f"recovered from an interrupted task: release {current.release} {state}")
    return interrupted


def _is_undisturbed(project: Project) -> bool:
    """Return True if the project has a current release that serves, its port holder, and no other of production."""
    own = [own for own in project.engine.containers(project.settings.app.name) if own.role != DEV.name]
    names = {project.settings.container(slot) for slot in ("prod", HOLDER)}
    return {container.name for container in own} == names and all(container.serves for container in own)


def _remove_helpers(project: Project) -> None:
    """Remove the containers that never serve: a candidate, one that bridges assets, clones whose task has ended."""
    for slot in (CANDIDATE, CARRY):
        if container := own_container(project, slot):
            production.remove(project, container.name)
    for name in clones.abandoned_clones(project.engine.containers(project.settings.app.name)):
        project.run(clones.remove_clones_args(name), quiet=True)


def adopt_or_remove_renamed(project: Project) -> None:
    """Give a release that was renamed by hand its name back, or remove it, because it would answer next to another."""
    names = [project.settings.container(slot) for slot in PROD_SLOTS]
    for container in project.engine.containers(project.settings.app.name):
        if container.role != "prod" or container.name in names or not container.serves:
            continue
        if any(own_container(project, slot) for slot in ("prod", PREVIOUS, NEXT)):
            project.progress.note(f"{container.name} is a renamed release, and not the current one: it is removed.")
            production.drain(project, container.name)
        else:
            production.rename(project, container.name, "prod")


def finish_move(project: Project) -> None:
    """Remove the containers that a move set aside, or put them back if the new release does not serve."""
    previous = own_container(project, PREVIOUS)
    if previous and not _is_serving(own_container(project, "prod")):
        _undo_move(project, previous)
        return
    if previous:
        production.drain(project, previous.name)
    production.remove(project, project.settings.container(HOLDER_PREVIOUS))


def _undo_move(project: Project, previous: Container) -> None:
    current, holder, holder_previous = map(project.settings.container, ("prod", HOLDER, HOLDER_PREVIOUS))
    production.remove(project, current, holder)
    # The holder first: as long as it is set aside, recover() takes a container called prod for the new release.
    production.rename(project, holder_previous, HOLDER)
    production.rename(project, previous.name, "prod")
    # A Ctrl-C does not end `docker container stop`: the engine goes on with it. The container then still runs, but its
    # nginx answers no more.
    if not (previous.serves and waiting.http_ready(f"{previous.url}/", needs_page=False).ready):
        production.restart(project, holder, current)


def _is_serving(release: Container | None) -> bool:
    """Return True if a release is healthy and its address answers."""
    if release is None or not release.serves or release.health not in ("healthy", ""):
        return False
    return waiting.http_ready(f"{release.url}/", needs_page=False).ready


def _name_current(project: Project) -> None:
    """Give the current release its name if a swap was interrupted between its two renames."""
    if own_container(project, "prod"):
        return
    for slot in (NEXT, PREVIOUS):  # the next one first: it had answered requests before anything was renamed
        if container := own_container(project, slot):
            production.rename(project, container.name, "prod")
            return


def restart_stopped(project: Project) -> None:
    """Restart a release that was stopped, or whose port holder was stopped."""
    current, holder = own_container(project, "prod"), own_container(project, HOLDER)
    if holder and holder.state == "paused":  # by an interrupted `invoke stop`
        project.run(["docker", "container", "unpause", holder.name], quiet=True)
        holder = own_container(project, HOLDER)
    if current and holder and not current.serves:
        production.restart(project, *([] if holder.state == "running" else [holder.name]), current.name)
