"""Names of what is pushed: the repository, its tags, and the digest that always means the same image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from docktasks.app.project import Project
from docktasks.errors import PushError, SettingsError
from docktasks.images.registry import DIGEST

TAGS = ("revision", "version", "latest")
"""The kinds of tags. They are pushed in this order, so that a push that fails has moved none of the later ones."""
REVISION_CHARS = 12
TAG = re.compile(r"\w[\w.-]{0,127}")
"""https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests"""
PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"(?:[\w.-]+(?::\d+)?/)?{PATH}(?:/{PATH})*")
"""A registry and a path, without a tag: https://docs.docker.com/reference/cli/docker/image/tag/#description."""


@dataclass(frozen=True)
class ShippedImage:
    """An image of a registry by its repository and its digest, which no one can move. Under --dry it has no digest."""

    repository: str
    digest: str = ""

    @property
    def reference(self) -> str:
        """The name that always means this image."""
        return f"{self.repository}@{self.digest}" if self.digest else self.repository


def shipped_image(reference: str, flag: str) -> ShippedImage:
    """Return the image of a name like registry.example/app@sha256:…, the value of a flag. Raises SettingsError."""
    repository, _, digest = reference.partition("@")
    if not REPOSITORY.fullmatch(repository) or not DIGEST.fullmatch(digest):
        raise SettingsError(
            f"{flag}={reference} does not name one image of a registry.",
            "A tag can be moved. Only a digest always means the same image.",
            f"Name it as release.json does: {flag}=registry.example/team/app@sha256:…",
        )
    return ShippedImage(repository, digest)


def require_repository(name: str) -> str:
    """Return the name of a repository. Raises SettingsError if there is none, or if it is no such name."""
    how = "Name it: invoke push --to=registry.example/team/app, or ship.image in hello-dock.yaml"
    if not name:
        raise SettingsError("No repository to push to is set.", "Neither --to nor ship.image names a repository.", how)
    if not REPOSITORY.fullmatch(name):
        raise SettingsError(f"{name} is not a repository.", "It has a registry and a path, and no tag or digest.", how)
    return name


def require_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds of tags in the order of TAGS, all of them without a choice. Raises SettingsError."""
    for kind in kinds:
        if kind not in TAGS:
            raise SettingsError(f"--tag={kind} is not a kind of tag.", "", f"Choose of {', '.join(TAGS)}")
    return tuple(kind for kind in TAGS if kind in kinds or not kinds)


def tags_of(project: Project, kinds: Sequence[str], revision: str) -> tuple[str, ...]:
    """Return the tags of the kinds. Raises PushError for a version that cannot be a tag."""
    version = project.app.version
    values = {"revision": revision[:REVISION_CHARS] or "REVISION", "version": version, "latest": "latest"}
    tags = tuple(values[kind] for kind in kinds if values[kind])
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise PushError(
                f"The version {tag} cannot be a tag.",
                "A tag has letters, digits, '.', '_' and '-'.",
                'Correct "version" in package.json, or leave it out: --tag=revision --tag=latest',
            )
    return tags
