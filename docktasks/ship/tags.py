"""Ask a registry which image each tag means."""

from __future__ import annotations

from docktasks.app.project import Project
from docktasks.engine.models import Image
from docktasks.errors import NotInRegistryError, PushError, RegistryError
from docktasks.images.registry import advice, manifests, registry_digest
from docktasks.ship.record import Pushed

ANSWER_TIMEOUT_S = 30
"""How long a registry may take to say which image it has."""


def require_unmoved(project: Project, pushed: Pushed) -> None:
    """Raise PushError if the registry has one of the tags already, apart from latest, which is there to be moved."""
    for tag in pushed.tags:
        digest = digest_of(project, f"{pushed.repository}:{tag}") if tag != "latest" else ""
        if digest and not _is_same(project, pushed, digest):
            raise PushError(
                f"{pushed.repository}:{tag} exists, and is another image ({digest}).",
                "--immutable: a tag that exists is not moved.",
                'Raise "version" in package.json, or push without --immutable',
            )


def _is_same(project: Project, pushed: Pushed, digest: str) -> bool:
    """Return True if the registry has these images, and no others, under a digest: of an index, or of one image."""
    digests = {"": digest}
    if len(pushed.images) > 1:
        digests = platforms_of(project, f"{pushed.repository}@{digest}")
        if digests.keys() != pushed.images.keys():
            return False
    images = {platform: pushed.images.get(platform, pushed.build.image) for platform in digests}
    return all(
        _is_same_image(project, images[platform], f"{pushed.repository}@{value}") for platform, value in digests.items()
    )


def _is_same_image(project: Project, image: Image, reference: str) -> bool:
    """Return True if the registry's image of a digest is this one, also where another machine has pushed it."""
    if reference in image.digests:
        return True
    pulled = project.run(["docker", "image", "pull", reference], quiet=True)
    registered = project.engine.image(reference) if pulled.ok else None
    return registered is not None and registered.id == image.id


def digest_of(project: Project, reference: str) -> str:
    """Return the digest that the registry has under a name, "" if it has none. Raises PushError."""
    try:
        return registry_digest(project.engine, reference, ANSWER_TIMEOUT_S)
    except NotInRegistryError:
        return ""
    except RegistryError as error:
        raise _unknown(reference, error) from error


def pushed_digest(project: Project, reference: str) -> str:
    """Return the digest under a name that was pushed, "" under --dry. Raises PushError if there is none."""
    digest = "" if project.dry else digest_of(project, reference)
    if not digest and not project.dry:
        raise PushError(f"The registry does not have {reference}, which it took.", "", "See its log, then push again")
    return digest


def platforms_of(project: Project, reference: str) -> dict[str, str]:
    """Return the digest that the registry has for each platform of an image. Raises PushError."""
    try:
        return manifests(project.run, reference).platforms
    except RegistryError as error:
        raise _unknown(reference, error) from error


def _unknown(reference: str, error: RegistryError) -> PushError:
    return PushError(f"{reference} cannot be looked up: {error}.", "", advice(str(error), reference))
