"""`docker image build`: its argument lists, and what a failure means."""

from __future__ import annotations

from docktasks.app.git import Source
from docktasks.app.package import PackageManager
from docktasks.app.project import Project
from docktasks.commands import Run
from docktasks.engine.models import Image
from docktasks.engine.protocol import Engine
from docktasks.errors import BuildError
from docktasks.images import build_context
from docktasks.images.build_errors import explain_build
from docktasks.settings import BUILT_FOR, LABEL, Settings

BASE_LABEL = "org.opencontainers.image.base.name"
"""The label that names an image's base: https://specs.opencontainers.org/image-spec/annotations/"""


def build_args(
    settings: Settings, manager: PackageManager, role: str, build: dict[str, str], labels: dict[str, str] | None = None
) -> list[str]:
    """The command that builds `dev` or `prod` with these build arguments, empty ones left out, and more labels."""
    dockerfile = "Dockerfile" if role == "prod" else "Dockerfile.dev"
    args = [
        "docker",
        "image",
        "build",
        "--tag",
        settings.image(role),
        *(["--target", "mounted"] if role == "dev" else []),
    ]
    base = build["NGINX_IMAGE" if role == "prod" else "NODE_IMAGE"]
    labelled = {BUILT_FOR: settings.app.name, BASE_LABEL: base} | (labels or {})
    label_args = [arg for name, value in labelled.items() for arg in ("--label", f"{name}={value}")]
    values = _value_args(manager, build)
    return [*args, *values, *label_args, *build_context.context_args(settings, dockerfile)]


def dist_args(settings: Settings, manager: PackageManager, build: dict[str, str], folder: str) -> list[str]:
    """The command that gives what the build of the production image with these arguments wrote, into a folder."""
    out = ["docker", "image", "build", "--target", "dist", "--output", f"type=local,dest={folder}"]
    return [*out, *_value_args(manager, build), *build_context.context_args(settings, "Dockerfile")]


def _value_args(manager: PackageManager, build: dict[str, str]) -> list[str]:
    given = build | {"MANAGER": "" if manager.name == "npm" else manager.name, "MANAGER_PACKAGE": manager.package}
    return [arg for name, value in given.items() if value for arg in ("--build-arg", f"{name}={value}")]


def prod_build(settings: Settings, node: str, nginx: str, origin: Source) -> dict[str, str]:
    """The build arguments of the production image."""
    return {
        "NODE_IMAGE": node,
        "NGINX_IMAGE": nginx,
        "DIST_DIR": "" if settings.app.dist == "dist" else settings.app.dist,
        "SOURCE_DATE_EPOCH": origin.epoch,
        "TITLE": "" if settings.app.name == LABEL else settings.app.name,
        "SOURCE": settings.build.source_url,
        "REVISION": origin.revision,
        "VERSION": origin.version,
    }


def build(
    project: Project,
    role: str,
    given: dict[str, str],
    labels: dict[str, str] | None = None,
) -> Image:
    """Build the image, and remove the one that it replaces unless a container uses that. Raises BuildError."""
    before = project.engine.image_ids.get(project.settings.image(role))
    if not project.dry:
        build_context.write_context(project.settings, "Dockerfile" if role == "prod" else "Dockerfile.dev")
    result = project.run(build_args(project.settings, project.app.package_manager, role, given, labels))
    if not result.ok:
        raise explain_build(result, project)
    made = project.engine.image(project.settings.image(role))
    if made is None:
        raise BuildError(
            f"The build succeeded, but the engine has no image {project.settings.image(role)}.",
            "Another builder than the engine's own keeps its results to itself.",
            "Choose the engine's: docker buildx use default",
            evidence=result.tail(3),
        )
    if before is not None and before != made.id:
        remove_untagged(project.run, project.engine, before)
    return made


def remove_untagged(run: Run, engine: Engine, image_id: str) -> None:
    """Remove an image that a build of ours replaced, unless it has another name or a container that uses it.

    By its id, since what somebody builds on top inherits our labels.
    """
    left = engine.image(image_id)
    if left is not None and not left.tags:
        run(["docker", "image", "rm", image_id], quiet=True)  # refused while a container uses it
