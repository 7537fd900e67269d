"""What a container of the dev image needs before it can start: the image, the volume, and how it is run."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace

from docktasks.app import git
from docktasks.app.project import Project
from docktasks.background import in_background
from docktasks.containers import app_mount
from docktasks.dev import file_events
from docktasks.dev.node_modules import Volume
from docktasks.dev.run_args import DevRunSpec
from docktasks.engine.models import Image
from docktasks.images import base_images
from docktasks.images import build as images_build
from docktasks.roles import DEV, Role


@dataclass(frozen=True)
class DevEnvironment:
    """The volume for node_modules, how a container is run with it, and notices for the user, one line each."""

    volume: Volume
    run_spec: DevRunSpec
    notices: tuple[str, ...] = ()


class PendingLookups:
    """Questions to git and the engine, which are all asked at once in the background. Call one for its answer."""

    def __init__(self, project: Project) -> None:
        self.image_ids = in_background(lambda: project.engine.image_ids)
        self.revision = in_background(lambda: git.source(project.app, project.settings).revision)
        self.user = in_background(lambda: app_mount.user_for(project.engine, project.settings.app_dir))


def prepare(project: Project, lookups: PendingLookups, command: tuple[str, ...]) -> DevEnvironment:
    """Build the image, take or create the volume, and find out how the checkout has to be watched.

    `command` is what the container runs; empty for the image's own command. Call it with the project's lock held.
    Raises AppError, BuildError, ConflictError, or StartError when the app has more files than can be watched.
    """
    lookups.image_ids()  # the build needs them
    if not project.dry:
        _check_checkout(project)
    image, build_notices = build(project)
    volume = Volume(project, image)
    user = lookups.user()
    polling_reason = "" if project.dry else file_events.polling_reason(project, user)
    run_spec = DevRunSpec(volume.name, user, lookups.revision(), command, polling=bool(polling_reason))
    notices = (*build_notices, *_root_notices(project, user), *_polling_notices(polling_reason))
    return DevEnvironment(volume, run_spec, notices)


def prepare_again(project: Project, previous: DevRunSpec, command: tuple[str, ...]) -> DevEnvironment:
    """Build the image and take or create the volume for changed dependencies. Raises as prepare() for these."""
    image, build_notices = build(project)
    volume = Volume(project, image)
    revision = git.source(project.app, project.settings).revision
    run_spec = replace(previous, volume=volume.name, revision=revision, command=command)
    return DevEnvironment(volume, run_spec, tuple(build_notices))


def build(project: Project, role: Role = DEV) -> tuple[Image, list[str]]:
    """Build the dev image and return it with notices. Without a change it takes Docker a fifth of a second."""
    node = base_images.resolve(project, "node")
    image = images_build.build_image(project, role, {"NODE_IMAGE": node.reference})
    return image, [*([node.notice] if node.notice else []), *project.app.lock_notices]


def _check_checkout(project: Project) -> None:
    """Raise AppError when node_modules cannot be mounted, StartError when the kernel allows too few watches."""
    app_mount.make_mountpoint(project.settings.app_dir)
    if project.engine.kernel_release == platform.release():  # else the limit is another machine's
        file_events.check_watch_limit(project.settings.app_dir)


def _root_notices(project: Project, user: str) -> list[str]:
    if user != "0:0" or project.engine.rootless:
        return []
    return ["Root owns the checkout, so the container runs as root. It has no capability."]


def _polling_notices(reason: str) -> list[str]:
    if not reason:
        return []
    return [f"File change events do not reach the container ({reason}). Vite polls instead, which uses some CPU."]
