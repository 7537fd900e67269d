"""What was pushed, and the file release.json that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docktasks.app.project import Project
from docktasks.images.build import BASE_LABEL, OCI
from docktasks.images.releases import REVISION_LABEL
from docktasks.release.build import Build
from docktasks.ship.names import ShippedImage


@dataclass(frozen=True)
class Pushed:
    """A pushed build: its repository and tags, and its digest in the registry, which is empty under --dry."""

    build: Build
    repository: str
    tags: tuple[str, ...]
    digest: str = ""

    @property
    def image(self) -> ShippedImage:
        """The image in the registry."""
        return ShippedImage(self.repository, self.digest)

    @property
    def reference(self) -> str:
        """The name that always means this image."""
        return self.image.reference


def record_of(project: Project, pushed: Pushed, verified: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return what release.json says of a pushed image."""
    image = pushed.build.image
    base = project.engine.image(image.labels.get(BASE_LABEL, ""))
    return {
        "image": pushed.reference,
        "repository": pushed.repository,
        "digest": pushed.digest,
        "tags": list(pushed.tags),
        "release": image.release,
        "revision": image.labels.get(REVISION_LABEL, ""),
        "version": image.labels.get(f"{OCI}.version", ""),
        "architecture": image.architecture,
        "size": pushed.build.size,
        "added_size": pushed.build.added_size,
        "base": {"name": image.labels.get(BASE_LABEL, ""), "digests": list(base.digests) if base else []},
        "verified": dict(verified),
    }
