"""The images of the releases that are kept, by their tags."""

from __future__ import annotations

from docktasks.app.project import Project
from docktasks.engine.models import Image, short_id
from docktasks.settings import Settings


def kept_releases(project: Project) -> list[Image]:
    """The images of the releases that are kept, the last one released first."""
    # By the tag, which only we give: an image that the handbook's own command built has no label of ours.
    found = [
        project.engine.image(tag)
        for tag, image_id in project.engine.refresh_image_ids().items()
        if tag == release_tag(project.settings, image_id)
    ]
    return sorted((image for image in found if image), key=lambda image: image.tagged.rstrip("Z"), reverse=True)


def release_tag(settings: Settings, image_id: str) -> str:
    """Name and tag of a release's image."""
    return f"{settings.app.name}:{short_id(image_id)}"
