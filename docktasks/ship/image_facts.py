"""What an image shows of itself: its name, its labels, and what its layers hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from docktasks.app.project import Project
from docktasks.engine.models import Image
from docktasks.errors import VerifyError
from docktasks.images import archive
from docktasks.images.build import BASE_DIGEST_LABEL, BASE_LABEL
from docktasks.images.releases import REVISION_LABEL
from docktasks.ship import base_packages
from docktasks.ship.base_packages import Base
from docktasks.ship.names import ShippedImage


@dataclass(frozen=True)
class ImageFacts:
    """An image: its name, the SHA-256 of each file of its site, its labels, and its base. A local one has no digest."""

    image: ShippedImage
    site: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    base: Base = field(default_factory=Base)
    architecture: str = ""
    created: str = ""

    @property
    def revision(self) -> str:
        """The commit that its label names."""
        return self.labels.get(REVISION_LABEL, "")

    @property
    def base_name(self) -> str:
        """The name of its base image."""
        return self.labels.get(BASE_LABEL, "")

    @property
    def base_digest(self) -> str:
        """The digest of its base image in a registry; empty for one that no registry has."""
        return self.labels.get(BASE_DIGEST_LABEL, "")


def read_facts(project: Project, image: Image, name: ShippedImage) -> ImageFacts:
    """Read an image that the engine has. Raises VerifyError."""
    if project.dry:
        return ImageFacts(name)
    try:
        contents = archive.read(project.engine.save(image.id), (), base_packages.is_wanted)
    except archive.Unreadable as error:
        raise VerifyError(f"{name.reference} cannot be read: {error}.", "", "Build it again") from error
    files = archive.final_files(contents.layers)
    texts = {
        path: file.content.decode("utf-8", "replace")
        for path, file in files.items()
        if file.content and base_packages.is_wanted(path)
    }
    site = archive.site_files({path: file.digest.hex() for path, file in files.items() if file.kind == "file"})
    base = base_packages.base_of(texts, image.environment)
    return ImageFacts(name, site, image.labels, base, image.architecture, image.created)
