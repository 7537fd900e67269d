"""Stop and remove what the project started or made."""

from __future__ import annotations

import shutil

from docktasks.app.project import Project
from docktasks.commands import Run
from docktasks.containers import roles, run_args
from docktasks.engine.models import short_id
from docktasks.engine.protocol import Engine
from docktasks.errors import ConflictError
from docktasks.housekeeping.status import names, require_role
from docktasks.images import build_context
from docktasks.images.standins import STANDIN_PREFIX


def stop(project: Project, *, role: str = "") -> str:
    """Stop and remove containers of a role, or all of the project's. One line that says which."""
    wanted = require_role(role)
    found = [each for each in project.engine.containers(project.settings.app.name) if not role or each.role in wanted]
    if not found:
        return f"Nothing of {project.settings.app.name} is running."
    # Production ends as nginx wants to, serving what it has begun; the dev container holds nothing worth a wait.
    holder = project.settings.container(roles.HOLDER)
    production = names([each for each in found if each.role == "prod" and each.state == "running"])
    if holder in production:  # else it would serve in the place of what is stopped; connections go through all the same
        project.run(["docker", "container", "pause", holder], quiet=True)
    for name in (name for name in production if name != holder):
        project.run(["docker", "container", "stop", name], quiet=True)
    _do(project.run, run_args.remove_args(*names(found)))
    return f"{'Would stop' if project.dry else 'Stopped'}: {', '.join(names(found))}"


def clean(project: Project, *, bases: bool = False) -> str:
    """Remove the project's containers, volumes and images, and with `bases` the stand-ins. One line that says which."""
    name = project.settings.app.name
    removed = names(project.engine.containers(name))
    if removed:
        _do(project.run, run_args.remove_args(*removed))
    volumes = project.engine.volumes(name)
    if volumes:
        _do(project.run, ["docker", "volume", "rm", *volumes])
    references, used = _references(project.engine, name)
    references += [tag for tag in project.engine.image_ids if tag.startswith(f"{STANDIN_PREFIX}-")] if bases else []
    if references:
        _do(project.run, ["docker", "image", "rm", "--force", *references])
    if not project.dry:
        shutil.rmtree(project.settings.root / build_context.context_folder(project.settings), ignore_errors=True)
    removed += [*volumes, *references]
    lines = [f"{'Would remove' if project.dry else 'Removed'}: {', '.join(removed)}"] if removed else []
    lines += [f"Left, for a container that is not ours uses it: {', '.join(used)}"] if used else []
    return "\n".join(lines) or f"Nothing of {name} was there."


def _references(engine: Engine, name: str) -> tuple[list[str], list[str]]:
    """What names the images of ours: to be removed, and used by somebody else.

    Ours have the project's name; one that lost its name to the next build was not made of another. What others built on
    top of ours, or made of a container of ours, has our label, too.
    """
    free: list[str] = []
    used: list[str] = []
    built = {image.id: image for image in engine.images(name)}
    tags = {tag: image.id for image in built.values() for tag in image.tags if tag.startswith(f"{name}:")}
    # The tag of a release is ours, whoever built the image.
    tags |= {tag: each for tag, each in engine.refresh_image_ids().items() if tag == f"{name}:{short_id(each)}"}
    bare = {each.id: each.id for each in built.values() if not (each.tags or each.parent)}
    for reference, image_id in (tags | bare).items():
        (used if engine.containers_using(image_id) else free).append(reference)
    return free, used


def _do(run: Run, args: list[str]) -> None:
    """Run one command; nobody sees what a quiet one says, so its failure is told. Raises ConflictError."""
    result = run(args, quiet=True)
    if not result.ok:
        raise ConflictError(
            "Docker did not remove all of it.",
            "What is in use stays.",
            "Mend what Docker says, then again",
            result.tail(4),
        )
