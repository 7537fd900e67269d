"""One image for several platforms: each is built here without emulation, and one index names them all."""

from __future__ import annotations

from collections.abc import Mapping

from docktasks import parsers
from docktasks.app.project import Project
from docktasks.engine.models import Image
from docktasks.errors import PushError, SettingsError
from docktasks.images import base_images
from docktasks.release import build as release_build
from docktasks.release.build import Build
from docktasks.ship import tags


def chosen(project: Project, text: str) -> tuple[str, ...]:
    """Return the platforms of --platforms, else of build.platforms; none for the engine's own. Raises SettingsError."""
    try:
        return parsers.platforms(text) or project.settings.build.platforms
    except ValueError as error:
        raise SettingsError(f"--platforms={text}, but it must be {error}.", "", "Correct it") from error


def build_each(project: Project, build: Build, platforms: tuple[str, ...]) -> dict[str, Image]:
    """Return the image of each platform: the one that was built already, and one that is built now for each other.

    Raises DockError, also if they are not the same apart from the base image.
    """
    own = f"linux/{build.image.architecture}"
    others = [platform for platform in platforms if platform != own]
    if others and not project.dry:
        _require_base(project, others)
    images = {}
    for platform in platforms or (own,):
        image = build.image if platform == own else release_build.build_for(project, platform)
        if not project.dry:
            _require_same(build.image, image, platform)
        images[platform] = image
    return images


def _require_base(project: Project, platforms: list[str]) -> None:
    """Raise PushError if the registry of the base image does not have it for each platform."""
    nginx = base_images.resolve(project, "nginx").reference
    reference = base_images.of_all_platforms(project, nginx)
    offered = tags.platforms_of(project, reference)
    missing = [platform for platform in platforms if platform not in offered]
    if missing:
        raise PushError(
            f"There is no {reference} for {', '.join(missing)}.",
            f"The registry has it for {', '.join(offered)}.",
            "Leave the platform out, or name another base image: bases.nginx_image",
        )


def _require_same(own: Image, other: Image, platform: str) -> None:
    """Raise PushError if an image of another platform differs in more than its base from the one of the gate."""
    faults = {
        f"it is for linux/{other.architecture}": not f"{platform}/".startswith(f"linux/{other.architecture}/"),
        f"its layer is {other.layers[-1:]}, and the other's {own.layers[-1:]}": own.layers[-1:] != other.layers[-1:],
        f"its user is {other.user}": own.user != other.user,
    }
    for fault in (text for text, is_found in faults.items() if is_found):
        raise PushError(
            f"The image for {platform} is not the one that passed the gate: {fault}.",
            "All platforms must serve the same bytes.",
            "Build again. A build that writes other bytes each time cannot be shipped for several platforms",
        )


def index_args(name: str, repository: str, digests: Mapping[str, str]) -> list[str]:
    """Return the command that gives a registry an index, under a name, of images that it has."""
    sources = [f"{repository}@{digest}" for digest in digests.values()]
    return ["docker", "buildx", "imagetools", "create", "--tag", name, *sources]
