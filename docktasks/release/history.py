"""The releases that served here: an image for each, and their hashed assets in a volume.

A release is recorded after it has begun to serve: its image gets the tag <app.name>:<release id>. As the last step, the
volume gets the time of the release and the config hash of its container.
"""

from __future__ import annotations

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers import startup
from docktasks.engine.models import Container, Image
from docktasks.engine.protocol import Engine
from docktasks.errors import StartError
from docktasks.images.releases import image_of, kept_releases, release_tag, release_tags
from docktasks.labels import CONFIG_HASH_LABEL
from docktasks.release import run_args
from docktasks.release.run_args import Release
from docktasks.roles import HOLDER

OTHER_BYTES_CODE = 3  # of `carry add`: another release has a hashed name with other bytes


def rollback_target(project: Project, current_id: str, prefix: str) -> Image:
    """Return the kept release whose id begins with `prefix`, or the one before the current. Raises StartError."""
    if project.dry:
        return Image(prefix or "EARLIER", release=prefix or "EARLIER")
    others = [image for image in kept_releases(project) if image.release != current_id]
    matches = [image for image in others if image.release.startswith(prefix)]
    if len(matches) == 1 or (matches and not prefix):
        return matches[0]
    raise StartError(
        _mismatch(current_id, prefix, matches),
        "" if others else f"The last {project.settings.prod.retain_releases} releases are kept (prod.retain_releases).",
        "List the releases: invoke releases",
    )


def _mismatch(current_id: str, prefix: str, matches: list[Image]) -> str:
    if not prefix:
        return "There is no earlier release."
    if current_id.startswith(prefix):
        return f"Release {current_id} is the current one."
    if matches:
        return f"More than one release begins with {prefix}: {', '.join(image.release for image in matches)}."
    return f"There is no earlier release {prefix}."


def bridge_assets(project: Project, release: Release) -> None:
    """Copy the release's hashed assets to the volume that all releases read (Kamal: bridging). Raises StartError."""
    copied = project.run(run_args.carry_args(project.settings, release, "add", release.id), quiet=True)
    what = f"The assets of release {release.id} could not be bridged."
    why = "Without them, open pages would miss files when the release changes."
    if copied.code == OTHER_BYTES_CODE:
        what = f"Release {release.id} has other bytes under a hashed name that a kept release uses, too."
        why = "A page of one release would run code of the other."
    if not copied.ok:
        raise _carry_error(copied, what, f"{why} {startup.serving_now(project)}")


def restore_assets(project: Project, current_id: str) -> None:
    """Copy what the volume has lost of each kept release but the current one from its image. Raises StartError."""
    for image in kept_releases(project):
        if image.release != current_id:
            bridge_assets(project, Release(image))


def _carry_error(failure: Result, what: str, why: str) -> StartError:
    """Return the error for what the script `carry` did not do."""
    how = (
        "Correct what Docker reports above. An image without the script `carry` has to be built again: invoke run-prod"
    )
    if failure.code == OTHER_BYTES_CODE:
        how = (
            "Change how Vite names files, which gives all of them new names: in vite.config, "
            "build.rollupOptions.output.hashCharacters or a longer hash (assets/[name]-[hash:12].js)"
        )
    elif "no space left" in failure.output.lower():
        how = "The disk is full. See what Docker uses: docker system df; free some: docker builder prune"
    return StartError(what, why, how, evidence="\n".join(dict.fromkeys(failure.tail(50).splitlines())))


def is_recorded(engine: Engine, container: Container) -> bool:
    """Return True if record_release() was completed for the release that this container serves."""
    stored = engine.exec(container.name, ["cat", f"{run_args.CURRENT}/run-id"])
    return stored.ok and stored.output == container.labels.get(CONFIG_HASH_LABEL)


def page_config(project: Project, image: Image) -> str:
    """Return the page's configuration in force (JSON), or "".

    Without a release the volume has it, which a container of `image` can read.
    """
    settings, engine, path = project.settings, project.engine, f"{run_args.CURRENT}/environment"
    if current := startup.own_container(project, "prod"):
        return current.environment.get(run_args.PAGE_CONFIG_VARIABLE, "")
    holder = startup.own_container(project, HOLDER)
    if holder and holder.state == "running":
        stored = engine.exec(holder.name, ["cat", path])
    elif settings.container("carried") in engine.volumes(settings.app.name):
        stored = project.run(run_args.read_args(settings, image.short_id, path), quiet=True)
    else:
        return ""
    return next((line for line in stored.output.splitlines() if stored.ok and line.startswith("{")), "")


def record_missed_release(project: Project, container: Container) -> None:
    """Record a release that serves, if the task that started it was interrupted before it recorded it."""
    image = image_of(project, container)
    if image and release_tag(project.settings, image.release) not in image.tags:
        # A failure is ignored, because the next release does not depend on it.
        project.run(run_args.carry_args(project.settings, Release(image), "add", image.release), quiet=True)
        project.run(_tag_args(project, image), quiet=True)


def record_release(project: Project, release: Release) -> tuple[list[str], list[str]]:
    """Record that the release serves. Return the ids of earlier ones, kept and removed. Raises StartError."""
    tags = release_tags(project)
    project.run(_tag_args(project, release.image), quiet=True)
    others = [image.release for image in kept_releases(project, tags) if image.release != release.id]
    retained = project.settings.prod.retain_releases - 1
    _keep_assets(project, release, others[:retained])
    removed = others[retained:]
    if not removed:
        return others, []
    # By their tags: Docker keeps an image that has another tag or a container.
    old_tags = [release_tag(project.settings, release_id) for release_id in removed]
    project.run(["docker", "image", "rm", *old_tags], quiet=True)
    kept_ids = {image.release for image in kept_releases(project)}
    return others[:retained], [release_id for release_id in removed if release_id not in kept_ids]


def _tag_args(project: Project, image: Image) -> list[str]:
    return ["docker", "image", "tag", image.short_id, release_tag(project.settings, image.release)]


def _keep_assets(project: Project, release: Release, earlier_ids: list[str]) -> None:
    """Keep only the assets of these releases, and store in the volume what the port holder needs to serve this one."""
    config_hash = run_args.config_hash(project.settings, release, project.engine.api)
    ids = [release.id, *earlier_ids]
    stored = project.run(run_args.carry_args(project.settings, release, "keep", *ids, run=config_hash), quiet=True)
    if not stored.ok:
        what = f"Release {release.id} serves, but that could not be recorded."
        raise _carry_error(stored, what, "If it stops, the port holder serves the release before it, or nothing.")
