"""The releases that ran here: an image each, named by its own id, and their hashed assets in a volume.

A release is remembered once it has served: its image gets the tag <app.name>:<release id>, and the time of that tag is
when it was last released. The last that is done for a release is that its run's id is noted in the volume.
"""

from __future__ import annotations

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers import roles
from docktasks.engine.models import Container, Image
from docktasks.engine.protocol import Engine
from docktasks.errors import StartError
from docktasks.images.releases import kept_releases, release_tag
from docktasks.release import run_args
from docktasks.release.run_args import Release


def rollback_target(project: Project, current: str, to: str) -> Image:
    """The kept release whose id begins with `to`, or the last one that was released before the current.

    Raises StartError when there is none, or more than one.
    """
    if project.dry:
        return Image(to or "EARLIER")
    others = [image for image in kept_releases(project) if image.short_id != current]
    found = [image for image in others if image.short_id.startswith(to)]
    if len(found) == 1 or (found and not to):
        return found[0]
    if to and current.startswith(to):
        what = f"Release {current} is the current one."
    elif found:
        what = f"More than one release begins with {to}: {', '.join(image.short_id for image in found)}."
    else:
        what = f"There is no earlier release {to}.".replace(" .", ".")
    raise StartError(
        what,
        f"The last {project.settings.prod.retain_releases} are kept (prod.retain_releases)." if not others else "",
        "See which there are: invoke releases",
    )


def bridge_assets(project: Project, release: Release) -> None:
    """Put the release's hashed assets where every release finds them. Raises StartError."""
    carried = project.run(run_args.carry_args(project.settings, release, "add", release.id), quiet=True)
    if not carried.ok:
        raise StartError(
            f"The assets of release {release.id} could not be carried over.",
            "Pages of one release ask for the files of another while they change places; what served, serves on.",
            _how(carried),
            evidence=_lines(carried),
        )


def _how(failed: Result) -> str:
    if "no space left" in failed.output.lower():
        return "The disk is full. See what Docker holds: docker system df; free some: docker builder prune"
    return "Mend what Docker says; an image of before there was a carry-over is built anew by invoke run-prod"


def _lines(failed: Result) -> str:
    """What it said, each line once."""
    return "\n".join(dict.fromkeys(failed.tail(50).splitlines()))


def is_recorded(engine: Engine, container: Container) -> bool:
    """True when all that is done for a release which serves was done for this one."""
    noted = _read(engine, container, "run-id")
    return bool(noted) and noted == container.labels.get(roles.CONFIG_HASH_LABEL)


def environment(engine: Engine, *asked: Container | None) -> str:
    """What the current release is configured with, from the first of these containers that can tell."""
    for container in asked:
        if container and run_args.ENVIRONMENT_VARIABLE in container.environment:
            return container.environment[run_args.ENVIRONMENT_VARIABLE]
    return next((_read(engine, each, "environment") for each in asked if each and each.state == "running"), "")


def _read(engine: Engine, container: Container, name: str) -> str:
    """A file of the current release's in the volume; empty where there is none."""
    result = engine.exec(container.name, ["cat", f"/srv/carried/current/{name}"])
    return result.output if result.ok else ""


def record_missed_release(project: Project, image_id: str) -> None:
    """Note that a release served whose own task was ended before it came to that."""
    image = project.engine.image(image_id)
    if image and release_tag(project.settings, image_id) not in image.tags:
        # Not looked at: what is to be released does not depend on it.
        project.run(run_args.carry_args(project.settings, Release(image), "add", image.short_id), quiet=True)
        project.run(
            ["docker", "image", "tag", image.short_id, f"{project.settings.app.name}:{image.short_id}"], quiet=True
        )


def record_release(project: Project, release: Release) -> list[str]:
    """Note that the release serves, and remove those beyond prod.retain_releases; return the ids of these."""
    project.run(["docker", "image", "tag", release.id, release_tag(project.settings, release.id)], quiet=True)
    others = [image.short_id for image in kept_releases(project) if image.short_id != release.id]
    kept, gone = (
        others[: project.settings.prod.retain_releases - 1],
        others[project.settings.prod.retain_releases - 1 :],
    )
    # Also says what the port holder serves should this release be stopped.
    noting = run_args.carry_args(
        project.settings,
        release,
        "keep",
        release.id,
        *kept,
        run=run_args.config_hash(project.settings, release, project.engine.api),
    )
    noted = project.run(noting, quiet=True)
    if not noted.ok:
        raise StartError(
            f"Release {release.id} serves, but that could not be noted.",
            "Should it be stopped, the port holder would serve what it served before, or nothing.",
            _how(noted),
            evidence=_lines(noted),
        )
    if gone:
        # its own tag only: an image that has another name, or a container, stays
        project.run(["docker", "image", "rm", *(f"{project.settings.app.name}:{each}" for each in gone)], quiet=True)
    return gone
