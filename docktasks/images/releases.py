"""The tags of the releases that are kept, and their images."""

from __future__ import annotations

from docktasks.app.project import Project
from docktasks.engine.models import Image, short_id
from docktasks.settings import Settings


def kept_releases(project: Project) -> list[Image]:
    """Return the images of the releases that are kept, the latest release first.

    Only run-prod gives the tag of a release. A label would not do: images of the handbook's own command have none.
    """
    image_ids = project.engine.refresh_image_ids()
    tags = [tag for tag, image_id in image_ids.items() if tag == release_tag(project.settings, image_id)]
    images = [image for image in map(project.engine.image, tags) if image]
    return sorted(images, key=lambda image: image.tagged.rstrip("Z"), reverse=True)


def release_tag(settings: Settings, image_id: str) -> str:
    """Return name and tag of the release that has this image."""
    return f"{settings.app.name}:{short_id(image_id)}"
