"""What a container of the dev image needs before it can start: the image, the volume, and how it is run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from docktasks.app import git, inputs
from docktasks.app.project import Project
from docktasks.background import in_background
from docktasks.containers import app_mount
from docktasks.dev import file_events, installation
from docktasks.dev.dev_script import DevCommand
from docktasks.dev.node_modules import Volume, volume_name
from docktasks.dev.run_args import DevRunSpec
from docktasks.engine.models import Image
from docktasks.images import base_images
from docktasks.images import build as images_build
from docktasks.roles import DEV


@dataclass(frozen=True)
class DevEnvironment:
    """The volume for node_modules, how a container is run with it, and notices for the user, one line each."""

    volume: Volume
    run_spec: DevRunSpec
    notices: tuple[str, ...] = ()


def prepare(project: Project, command: DevCommand, previous: DevRunSpec | None = None) -> DevEnvironment:
    """Build the image, install into a new volume or take one, and find out how the checkout has to be watched.

    `command` is what the container runs. After a `previous` run, its user and polling are kept.
    Call it with the project's lock held. Raises AppError, BuildError, ConflictError, SettingsError or StartError.
    """
    inputs.require(project.settings, os.environ)
    # git and the engine are asked while the image is built.
    revision = in_background(lambda: git.source(project.app, project.settings).revision)
    owner = in_background(
        lambda: previous.user if previous else app_mount.user_for(project.engine, project.settings.app_dir)
    )
    checkout = app_mount.Checkout.of(project.app)
    if not project.dry:
        app_mount.make_mountpoints(checkout)
    image, build_notices = build(project)
    user = owner()
    polling_reason = "" if project.dry or previous else file_events.polling_reason(project, user)
    run_spec = DevRunSpec(
        checkout, volume_name(project, image, user), user, revision(), command.args,
        polling=previous.polling if previous else bool(polling_reason), needs_preload=command.needs_preload,
    )  # fmt: skip
    volume = Volume(project, run_spec)
    install_notices = installation.install(project, run_spec, volume) if volume.is_new else []
    sibling_notices = installation.build_siblings(project, run_spec)
    notices = (*build_notices, *install_notices, *sibling_notices, *_notices(project, user, polling_reason))
    return DevEnvironment(volume, run_spec, notices)


def build(project: Project) -> tuple[Image, list[str]]:
    """Build the dev image and return it with notices. Without a change it takes Docker a fifth of a second."""
    node = base_images.resolve(project, "node")
    image = images_build.build_image(project, DEV, {"NODE_IMAGE": node.reference})
    notices = [*([node.notice] if node.notice else []), *project.app.lock_notices]
    return image, [*notices, *inputs.proxy_notices(os.environ)]


def _notices(project: Project, user: str, polling_reason: str) -> Iterator[str]:
    if user == "0:0" and not project.engine.rootless:
        yield "Root owns the checkout, so the container runs as root. It has no capability."
    if polling_reason:
        reason = f"File change events do not reach the container ({polling_reason})"
        yield f"{reason}. Vite polls instead, which uses some CPU."
