"""The production image of the project: built now, or built before."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass

from docktasks.app import build_script, env_files, env_notices, git, ignore_file, inputs, vite
from docktasks.app.project import Project
from docktasks.background import in_background
from docktasks.containers import startup
from docktasks.engine.models import Image
from docktasks.errors import PushError, RegistryError, StartError
from docktasks.images import base_images, bases_lock
from docktasks.images import build as images_build
from docktasks.images.references import repository
from docktasks.images.registry import advice, registry_digest
from docktasks.images.sizes import unpacked_size
from docktasks.labels import BUILT_FOR
from docktasks.release import source_maps
from docktasks.roles import PROD

ANSWER_TIMEOUT_S = 10
"""How long a registry may take to say which image a tag means."""


@dataclass(frozen=True)
class Build:
    """A production image, its size and what it adds to its base in bytes (0 if not known), and notices for the user."""

    image: Image
    size: int = 0
    added_size: int = 0
    notices: tuple[str, ...] = ()


def build_prod(project: Project, maps_folder: str = "") -> Build:
    """Build the production image, and write its source maps into a folder, unless that is empty.

    Raises SettingsError, AppError, BaseImageError or BuildError.
    """
    build_script.require(project.app)
    maps_folder = source_maps.require_folder(maps_folder)
    inputs.require(project.settings, os.environ)
    for notice in ignore_file.IgnoreFile.of(project.app).notices if project.settings.is_external_app else ():
        project.progress.note(notice)
    env_files.require_mode(project.app, project.settings.build.mode)
    environment_notices = in_background(lambda: env_notices.notices(project.app, project.settings, os.environ))
    for notice in env_notices.registry_notices(project.app, project.settings, os.environ):
        project.progress.note(notice)
    source = git.source(project.app, project.settings)
    node = base_images.resolve(project, "node")
    nginx = base_images.resolve(project, "nginx")
    values = images_build.prod_values(project.settings, project.app, node.reference, nginx.reference, source)
    in_background(lambda: project.engine.containerd_store)  # the sizes need it, and the engine takes a while for it
    image = images_build.build_image(project, PROD, values)
    if maps_folder:
        source_maps.export(project, values, maps_folder)
    base_notices = filter(None, (node.notice, nginx.notice, bases_lock.age_notice(project.settings)))
    app_notices = (*build_script.notices(project.app), *project.app.lock_notices, *vite.notices_of_files(project.app))
    notices = (*base_notices, *app_notices, *environment_notices(), *inputs.proxy_notices(os.environ))
    return build_of(project, image, notices)


def build_for(project: Project, platform: str) -> Image:
    """Build the production image for another platform than the engine's, on the base image's digest.

    The builder's stages run on the engine's platform, and only files are copied into the other. Raises DockError.
    """
    values = images_build.values_now(project)
    values |= {"NGINX_IMAGE": base_images.of_all_platforms(project, values["NGINX_IMAGE"])}
    return images_build.build_image(project, PROD.on(platform), values)


def latest_build(project: Project) -> Build:
    """Return the image that was built last. Raises StartError if there is none."""
    tag = project.settings.image("prod")
    image = project.engine.image(tag)
    if image is None:
        raise StartError(
            f"There is no image {tag}.", "--no-build runs the image that was built last.", "Build it: invoke build-prod"
        )
    return build_of(project, image)


def pulled_build(project: Project, reference: str) -> Build:
    """Return the image of this name in a registry, which is pulled unless it is here and named by its digest.

    Raises PushError if it cannot be pulled, or is no image that hello-dock built.
    """
    _require_unmoved_tag(project, reference)
    image = project.engine.image(reference) if "@" in reference else None
    if image is None:
        result = project.run(["docker", "image", "pull", reference], quiet=True)
        if not result.ok:
            raise PushError(
                f"{reference} cannot be pulled.",
                startup.serving_now(project),
                advice(result.output, reference),
                evidence=result.tail(3),
            )
        project.progress(f"pulled {reference}")
        image = project.engine.image(reference)
    if image is None or BUILT_FOR not in image.labels:
        raise PushError(
            f"{reference} is no image that hello-dock built.",
            f"It lacks what run-prod needs of an image. {startup.serving_now(project)}",
            "Name an image that `invoke push` has pushed",
        )
    names = image.names_in(repository(reference)) if "@" not in reference else ()
    return build_of(project, image, tuple(f"{reference} is {name}." for name in names))


def _require_unmoved_tag(project: Project, reference: str) -> None:
    """Raise PushError for app:1.0.0@sha256:… if the tag means another image now. The registry may be away."""
    name, _, digest = reference.partition("@")
    if project.dry or not digest or ":" not in name.rpartition("/")[2]:
        return
    now = digest
    with suppress(RegistryError):
        now = registry_digest(project.engine, name, ANSWER_TIMEOUT_S)
    if now != digest:
        raise PushError(
            f"{name} means {now} now, and not {digest}.",
            f"Somebody has moved the tag since. {startup.serving_now(project)}",
            f"Find out why. To run the image of the digest nevertheless: --image={name.rpartition(':')[0]}@{digest}",
        )


def build_of(project: Project, image: Image, notices: tuple[str, ...] = ()) -> Build:
    """Return what is known about an image, with notices about its build."""
    size = unpacked_size(project, image)
    base = images_build.base_image(project.engine, image.labels)
    return Build(image, size, size - unpacked_size(project, base) if base else 0, notices)
