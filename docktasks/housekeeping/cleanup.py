"""Stop and remove the containers, volumes and images of the project."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from docktasks.app.project import Project
from docktasks.containers import networks, run_args
from docktasks.engine.models import Container
from docktasks.errors import ConflictError
from docktasks.housekeeping.status import downloads, named_role
from docktasks.images import build_context
from docktasks.images.releases import release_tags
from docktasks.roles import HOLDER, ROLES


def stop(project: Project, *, role: str = "") -> str:
    """Stop and remove the containers of a role, dev or prod, or all of the project. Return a line that names them."""
    containers = project.engine.containers(project.settings.app.name)
    if role:
        role_name = named_role(role).name
        containers = [container for container in containers if container.role == role_name]
    _stop_production(project, containers)
    names = [container.name for container in containers]
    _remove(project, run_args.remove_args(*names), names)
    _, used = networks.remove_unused(project, *([named_role(role)] if role else ROLES.values()))
    if not names:
        return f"Nothing of {project.settings.app.name} is running."
    return "\n".join([f"{'Would stop' if project.dry else 'Stopped'}: {', '.join(names)}", *_kept_line(used)])


def _stop_production(project: Project, containers: Sequence[Container]) -> None:
    """Let production finish its open requests. The dev container has nothing to finish."""
    names = [container.name for container in containers if container.role == "prod" and container.state == "running"]
    holder = project.settings.container(HOLDER)
    if holder in names:
        # A running port holder would serve in place of the stopped release. Paused, it still passes connections on.
        project.run(["docker", "container", "pause", holder], quiet=True)
    for name in names:
        if name != holder:
            project.run(["docker", "container", "stop", name], quiet=True)


def clean(project: Project, *, bases: bool = False, with_downloads: bool = False) -> str:
    """Remove the project's containers, networks, volumes and images.

    What all projects share goes only with `bases`, the stand-ins, and `with_downloads`, those of the package managers.
    Return a line that names what was removed, and one that names what was kept. Raises ConflictError.
    """
    name = project.settings.app.name
    containers = [container.name for container in project.engine.containers(name)]
    volumes = project.engine.volumes(name)
    _remove(project, run_args.remove_args(*containers), containers)
    removed_networks, used_networks = networks.remove_unused(project, *ROLES.values())
    _remove(project, ["docker", "volume", "rm", *volumes], volumes)
    references, used = _image_references(project, containers)
    if bases:
        references += project.engine.standins
    _remove(project, ["docker", "image", "rm", "--force", *references], references)
    if not project.dry:
        shutil.rmtree(project.settings.root / build_context.context_folder(project.settings), ignore_errors=True)
    shared, used_volumes = _remove_downloads(project) if with_downloads else ([], [])
    removed = [*containers, *removed_networks, *volumes, *references, *shared]
    lines = [f"{'Would remove' if project.dry else 'Removed'}: {', '.join(removed)}"] if removed else []
    lines += _kept_line([*used_networks, *used, *used_volumes])
    return "\n".join(lines) or f"There was nothing of {name} to remove."


def _remove_downloads(project: Project) -> tuple[list[str], list[str]]:
    """Return the volume that was removed, or the one that an installation of any project uses."""
    volumes = downloads(project)
    removed = [name for name in volumes if project.run(["docker", "volume", "rm", name], quiet=True).ok]
    return removed, [name for name in volumes if name not in removed]


def _kept_line(used: Sequence[str]) -> list[str]:
    return [f"Kept, because another container uses it: {', '.join(used)}"] if used else []


def _image_references(project: Project, removed_containers: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the tags and ids of the project's images: first those to remove, then those that a container uses.

    An image is ours if its tag starts with the project's name, or if it is untagged and has no parent (a build
    replaced it). The label is not enough, because derived and committed images inherit it.
    """
    name = project.settings.app.name
    images = project.engine.images(name)
    ids = {tag: image.id for image in images for tag in image.tags if tag.startswith(f"{name}:")}
    # Releases that the handbook's command built have no label.
    ids |= {tag: image.id for tag, image in release_tags(project).items()}
    ids |= {image.id: image.id for image in images if not (image.tags or image.parent)}
    users = {reference: project.engine.containers_using(image_id) for reference, image_id in ids.items()}
    used = [reference for reference, names in users.items() if set(names) - set(removed_containers)]
    return [reference for reference in ids if reference not in used], used


def _remove(project: Project, args: list[str], names: Sequence[str]) -> None:
    """Run a command that removes the things with these names. Without names, run nothing. Raises ConflictError."""
    how = "Correct what Docker says, then try again"
    if names:
        project.run_or_raise(args, ConflictError("Docker did not remove everything.", "It keeps what is in use.", how))
