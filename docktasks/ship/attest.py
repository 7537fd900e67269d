"""`invoke push --sign`: sign the image in the registry, and attach what a reviewer asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory
from typing import Any

from docktasks.app.project import Project
from docktasks.images import base_images, build
from docktasks.ship import bundle, cosign, image_facts, keys, provenance, sbom, vex
from docktasks.ship.bundle import Bundle
from docktasks.ship.image_facts import ImageFacts
from docktasks.ship.keys import Key
from docktasks.ship.names import ShippedImage
from docktasks.ship.record import Pushed
from docktasks.ship.sbom import Document

SBOM, PROVENANCE = "https://cyclonedx.org/bom", "https://slsa.dev/provenance/v1"
"""https://github.com/in-toto/attestation/tree/main/spec/predicates"""
VEX, VERIFY = "urn:hello-dock:cyclonedx-vex:1", "urn:hello-dock:verify:1"
"""Kinds of our own: in-toto has one for all of CycloneDX, and an image has one document of each kind."""
Results = Mapping[str, Any]
"""The JSON of `verify`."""


@dataclass(frozen=True)
class Contents:
    """What is in an image: its bundle, as a build recorded it, and what the image of each platform shows of itself."""

    bundle: Bundle
    facts: Mapping[str, ImageFacts]


def require(project: Project, key: Key) -> None:
    """Raise SettingsError or PushError, before anything is done, if the key cannot sign."""
    cosign.require_cosign(dry=project.dry)
    keys.require_private(key)
    if key.is_file:
        with TemporaryDirectory() as folder:
            cosign.public_key(project, key, folder)


def contents_of(project: Project, pushed: Pushed) -> Contents:
    """Return what is in the images that are to be pushed. Raises DockError."""
    images = pushed.images or {"": pushed.build.image}
    name = ShippedImage(pushed.repository)
    facts = {platform: image_facts.read_facts(project, image, name) for platform, image in images.items()}
    return Contents(bundle.record(project, next(iter(facts.values())).site), facts)


def attach(project: Project, key: Key, contents: Contents, verified: Results, pushed: Pushed) -> None:
    """Sign what was pushed, and attach the documents to the image of each platform. Raises PushError."""
    for platform, facts in contents.facts.items():
        image = replace(pushed.image, digest=pushed.digests.get(platform, pushed.digest))
        documents = _documents(project, replace(facts, image=image), contents.bundle, verified)
        cosign.sign(project, key, image, documents)
    if pushed.digest not in pushed.digests.values() and pushed.digests:
        cosign.sign(project, key, pushed.image, {})  # the index, which only names them
    project.progress("signed, with SBOM, VEX, provenance and the results of verify")


def _documents(project: Project, facts: ImageFacts, record: Bundle, verified: Results) -> dict[str, Document]:
    parameters, source_url = build.values_now(project), project.settings.build.source_url
    node = parameters["NODE_IMAGE"]
    node_digest = base_images.base_digest(project.engine.image(node), node)
    image = {"name": facts.image.repository, "digest": facts.image.digest}
    return {
        SBOM: sbom.document(facts, record),
        VEX: vex.document(facts, record),
        PROVENANCE: provenance.document(facts, parameters, node_digest, source_url, os.environ),
        VERIFY: {"image": image, **verified},
    }
