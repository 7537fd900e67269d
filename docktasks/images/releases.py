"""The tags of the releases that are kept, and their images."""

from __future__ import annotations

import re
from dataclasses import replace

from docktasks.app.project import Project
from docktasks.engine.models import Container, Image
from docktasks.roles import HOLDER
from docktasks.settings import Settings

RECORD = "/srv/carried/current/released"
"""The file that `carry keep` writes in the volume of a project's releases: release and time, the latest first."""

REVISION_LABEL = "org.opencontainers.image.revision"
"""The label with an image's commit: https://specs.opencontainers.org/image-spec/annotations/"""


def kept_releases(project: Project, tags: dict[str, Image] | None = None) -> list[Image]:
    """Return an image of each release that is kept, the latest release first. `tags` are those of release_tags().

    `tagged` is the time of the release. The record in the volume has it, which a running container is asked for. For a
    release that it does not have, that is the time of the image's last tag, which any `docker image tag` changes.
    """
    tagged = (release_tags(project) if tags is None else tags).values()
    # Without the Z, because Docker drops trailing zeros of the fraction.
    images = {image.release: image for image in sorted(tagged, key=lambda image: image.tagged.rstrip("Z"))}
    times = {release: time for release, time in _recorded_times(project).items() if release in images}
    recorded = [replace(images[release], tagged=time or images[release].tagged) for release, time in times.items()]
    # What the record does not have yet began to serve after it was written.
    unrecorded = [image for release, image in images.items() if release not in times]
    return [*reversed(unrecorded), *recorded]


def _recorded_times(project: Project) -> dict[str, str]:
    """Return the time of each release that the record has; none without a running container."""
    for role in ("prod", HOLDER):
        container = project.engine.container(project.settings.container(role))
        if container and container.state == "running" and container.is_of(project.settings.app.name):
            record = project.engine.exec(container.name, ["cat", RECORD])
            lines = record.output.splitlines() if record.ok else []
            return {release: time for release, _, time in (line.partition(" ") for line in lines)}
    return {}


def release_tags(project: Project) -> dict[str, Image]:
    """Return the image of each release by its tag, which only run-prod gives."""
    pattern = re.compile(rf"{re.escape(project.settings.app.name)}:([0-9a-f]{{12}})")
    tags = filter(None, map(pattern.fullmatch, project.engine.image_ids(f"{project.settings.app.name}:*")))
    images = {tag[0]: (tag[1], project.engine.image(tag[0])) for tag in tags}
    return {tag: image for tag, (release, image) in images.items() if image and image.release == release}


def release_tag(settings: Settings, release: str) -> str:
    """Return name and tag of the image of a release."""
    return f"{settings.app.name}:{release}"


def image_of(project: Project, container: Container) -> Image | None:
    """Return the image of a release's container, None if it is gone. A build may have taken its last tag."""
    by_id = project.engine.image(container.image_id)
    return by_id or project.engine.image(release_tag(project.settings, container.release))


def source(image: Image) -> tuple[str, str]:
    """Return the app's version and the short commit that an image names; -dirty stands for local changes."""
    version = image.labels.get("org.opencontainers.image.version") or "no version"
    return version, re.sub(r"^([0-9a-f]{12})[0-9a-f]{28}", r"\1", image.labels.get(REVISION_LABEL, "")) or "no commit"


def described(image: Image) -> str:
    """Say what an image was built from. With a commit, the time in an image is the commit's, and not the build's."""
    version, commit = source(image)
    built_from = "no commit, built" if commit == "no commit" else f"commit {commit} of"
    return f"{version}, {built_from} {minute(image.created)} UTC"


def minute(time: str) -> str:
    """Return day and minute of a time in Docker's form."""
    return time[:16].replace("T", " ")
