"""What was pushed, and the file release.json that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from docktasks.engine.models import Image
from docktasks.images.build import BASE_DIGEST_LABEL, BASE_LABEL, OCI
from docktasks.images.releases import REVISION_LABEL
from docktasks.release.build import Build
from docktasks.ship.names import REVISION_CHARS, ShippedImage


@dataclass(frozen=True)
class Pushed:
    """A pushed build: its repository and tags, and its digest in the registry, which is empty under --dry.

    `images` has the image of each platform, `digests` the digest of each. Several are behind one index.
    """

    build: Build
    repository: str
    tags: tuple[str, ...]
    digest: str = ""
    images: Mapping[str, Image] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def image(self) -> ShippedImage:
        """The image in the registry."""
        return ShippedImage(self.repository, self.digest)

    @property
    def revision(self) -> str:
        """The first digits of the commit, as in its tag; under --dry a word for them."""
        return self.build.image.labels.get(REVISION_LABEL, "")[:REVISION_CHARS] or "REVISION"


def record_of(pushed: Pushed, verified: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return what release.json says of a pushed image."""
    image = pushed.build.image
    return {
        "image": pushed.image.reference,
        "repository": pushed.repository,
        "digest": pushed.digest,
        "tags": list(pushed.tags),
        "release": image.release,
        "revision": image.labels.get(REVISION_LABEL, ""),
        "version": image.labels.get(f"{OCI}.version", ""),
        "platforms": dict(pushed.digests),
        "size": pushed.build.size,
        "added_size": pushed.build.added_size,
        "base": {"name": image.labels.get(BASE_LABEL, ""), "digest": image.labels.get(BASE_DIGEST_LABEL, "")},
        "verified": dict(verified),
    }
