"""The containers of production, by slot: one serves the release, another owns the published port.

A slot is one of PROD_SLOTS (roles.py). Nothing is remembered: each question goes to the engine, because other processes
change containers, too.
"""

from __future__ import annotations

from docktasks.app.project import Project
from docktasks.containers import networks, startup
from docktasks.containers import run_args as containers_run_args
from docktasks.containers.ports import Bind
from docktasks.errors import StartError
from docktasks.images import build as images_build
from docktasks.labels import LABEL
from docktasks.release import run_args
from docktasks.release.run_args import Release
from docktasks.roles import HOLDER, PROD


def current_bind(project: Project) -> Bind | None:
    """Return the address that the port holder was started for; None without a port holder."""
    holder = startup.own_container(project, HOLDER)
    return Bind.parse(holder.labels[f"{LABEL}.publish"]) if holder else None


def holds(project: Project, bind: Bind) -> bool:
    """Return True if the port holder publishes `bind`, and is in the project's own network and the API's."""
    holder, own = startup.own_container(project, HOLDER), networks.own_name(project.settings, PROD)
    joined = {own, project.settings.api.network} - {""}
    if holder is None or current_bind(project) != bind or not joined <= holder.networks.keys():
        return False
    return holder.labels.get(run_args.REACH_LABEL, own) == networks.reach(project.settings)


def start(project: Project, slot: str, release: Release, bind: Bind) -> None:
    """Start a release, or its port holder. Raises StartError or ConflictError."""
    if slot == HOLDER:
        args = _holder_args(project, release, bind)
    else:
        network_args = run_args.shared_network_args(project.settings, bind)
        args = run_args.prod_args(project.settings, slot, release, network_args, project.engine.api)
    startup.start(project, startup.ContainerSpec(slot, bind, args))


def _holder_args(project: Project, release: Release, bind: Bind) -> list[str]:
    # The holder runs the base image, which outlives the release. Without it the release's own image works, too.
    labels = release.image.labels
    names = (labels.get(images_build.BASE_LABEL, ""), images_build.base_reference(labels))
    image = next((name for name in names if name and project.engine.image(name)), release.image.short_id)
    return run_args.holder_args(project.settings, bind, image, project.engine.kernel)


def stop(project: Project, name: str, timeout_s: int) -> None:
    """Ask a container to end, and kill it after `timeout_s` seconds."""
    # -t, because its long form has another name since CLI 28.
    project.run(["docker", "container", "stop", "-t", str(timeout_s), name], quiet=True)


def drain(project: Project, name: str) -> None:
    """Let a release answer its open requests within prod.drain_timeout, and remove it, and its image if untagged."""
    container = project.engine.container(name)
    stop(project, name, project.settings.prod.drain_timeout)
    remove(project, name)
    if container:
        images_build.remove_untagged(project, container.image_id)


def restart(project: Project, *names: str) -> None:
    """Restart containers, in this order.

    `docker container start` would not do: after a Ctrl-C the engine may still be stopping a container. `start` then
    finds it running and does nothing; `restart` waits for the stop.
    """
    for name in names:
        project.run(["docker", "container", "restart", "-t", "1", name], quiet=True)


def rename(project: Project, name: str, new_slot: str) -> None:
    """Move a container into another slot. Raises StartError."""
    new_name = project.settings.container(new_slot)
    error = StartError(
        f"{name} cannot be renamed to {new_name}.",
        "The name of a container tells whether it is the current release.",
        "Correct what Docker reports above, then run it again: invoke run-prod",
    )
    project.run_or_raise(["docker", "container", "rename", name, new_name], error)


def remove(project: Project, *names: str) -> None:
    """Remove containers by name, running or not. A failure is only reported: the next task tries again."""
    removed = project.run(containers_run_args.remove_args(*names), quiet=True)
    if not removed.ok:
        project.progress.note(f"Docker did not remove {', '.join(names)}: {removed.tail(1)}")
