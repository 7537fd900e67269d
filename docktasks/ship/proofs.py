"""`invoke verify --attested`: prove what is said of an image in a registry, against the image itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from docktasks.app import git
from docktasks.app.project import Project
from docktasks.errors import AppError, SettingsError, VerifyError
from docktasks.release import build as release_build
from docktasks.ship import bundle, claims, cosign, image_facts, keys, sbom, tags, vex
from docktasks.ship.bundle import Bundle
from docktasks.ship.image_facts import ImageFacts
from docktasks.ship.keys import Key
from docktasks.ship.names import ShippedImage, shipped_image

MAX_FAULTS = 6


def prove(project: Project, image: ShippedImage, key: Key) -> Iterator[str]:
    """Yield a text for each thing that is proved of an image, and for what could not be.

    Signature and attestations are verified, and compared with the image. Raises DockError.
    """
    cosign.require_cosign(dry=project.dry)
    keys.require_public(key)
    cosign.require_signed(project, key, image)
    project.progress("signature: of this digest, by this key")
    pulled = release_build.pulled_build(project, image.reference).image
    own = image if project.dry else _of_platform(project, image, f"linux/{pulled.architecture}")
    contents = {name: cosign.attestations(project, key, own, kind, name) for name, (kind, _) in claims.CLAIMS.items()}
    facts = image_facts.read_facts(project, pulled, own)
    record = None if project.dry else _record(project, facts)
    for name, (_, faults_of) in claims.CLAIMS.items():
        for content in contents[name]:
            require_true(name, own, faults_of(content, facts, record))
    purls = {purl for content in contents["SBOM"] for purl in sbom.purls_in(content)}
    for content in contents["VEX"]:
        require_true("VEX", own, claims.lies(content, purls))
    if project.dry:
        return
    latest = {name: of_kind[-1] for name, of_kind in contents.items()}
    yield f"  signed: {image.digest}"
    yield f"  SBOM: {len(facts.site)} files, {len(purls)} packages of npm, {len(facts.base.packages)} of the base"
    yield f"  VEX: {len(vex.absent_in(latest['VEX']))} packages of the lock file are not in it"
    yield f"  provenance: built from {facts.revision}"
    yield f"  results of verify: {latest['results of verify']['summary']['pass']} checks passed"
    if record is None:
        yield (
            f"The list of packages was not built again, because the source at {facts.revision[:12]} is not here: "
            "check out that commit and repeat this"
        )


def _of_platform(project: Project, image: ShippedImage, platform: str) -> ShippedImage:
    """Return the image that has the documents: a platform's, where an index names them. Raises PushError."""
    platforms = tags.platforms_of(project, image.reference)
    digests = [digest for name, digest in platforms.items() if f"{name}/".startswith(f"{platform}/")]
    return replace(image, digest=digests[0]) if digests else image


def _record(project: Project, facts: ImageFacts) -> Bundle | None:
    """Return what a build of the image's commit records, if its source is here. Raises BuildError."""
    try:
        revision = git.source(project.app, project.settings).revision
    except AppError:
        return None
    return bundle.record(project, facts.site) if revision and revision == facts.revision else None


def require_true(name: str, image: ShippedImage, faults: Iterator[str]) -> None:
    """Raise VerifyError if a statement has faults, or if it has a form in which nobody can look for them."""
    try:
        texts = list(faults)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise cosign.unknown_format(image, name, f"it lacks {error}") from error
    if texts:
        raise VerifyError(
            f"The {name} of {image.reference} is not true: {texts[0]}.",
            "Somebody with the key has signed a claim that the image does not show.",
            "Do not run this image. Push it again with --sign from its commit, or ask who has signed it",
            evidence="\n".join(texts[1:MAX_FAULTS]),
        )


def report(project: Project, reference: str, key: str) -> str:
    """Prove what is said of an image, and return the text for the terminal. Raises DockError."""
    if not reference:
        raise SettingsError(
            "--attested needs an image.",
            "A signature belongs to a digest in a registry.",
            "Name it as release.json does: --image=registry.example/team/app@sha256:…",
        )
    texts = list(prove(project, shipped_image(reference, "--image"), Key.parse(key)))
    if project.dry:
        return f"Would prove what is said of {reference}."
    return "\n".join((f"Proved: {reference}", *texts))
