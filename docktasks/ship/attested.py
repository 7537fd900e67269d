"""`invoke verify --attested`: prove what is said of an image in a registry, against the image itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from docktasks.app import git
from docktasks.app.project import Project
from docktasks.errors import AppError, RegistryError, SettingsError, VerifyError
from docktasks.images.manifests import manifests
from docktasks.images.registry import advice
from docktasks.release import build as release_build
from docktasks.ship import attest, bundle, cosign, described, keys, provenance, sbom, vex
from docktasks.ship.bundle import Bundle
from docktasks.ship.described import Described
from docktasks.ship.keys import Key
from docktasks.ship.names import ShippedImage, shipped_image
from docktasks.ship.platforms import own_platform

SHOWN_NAMES = 3
Content = Mapping[str, Any]


@dataclass(frozen=True)
class Proof:
    """What was proved of an image, a text each, and what could not be, as `notes`."""

    image: ShippedImage
    proved: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """An image as it is: its facts, and its bundle as a build of its commit records it; None without the source."""

    facts: Described
    bundle: Bundle | None = None


def prove(project: Project, image: ShippedImage, key: Key) -> Proof:
    """Verify signature and attestations of an image, and compare them with it. Raises SettingsError or VerifyError."""
    cosign.require_cosign(dry=project.dry)
    keys.require_public(key)
    cosign.require_signed(project, key, image)
    project.progress("signature: of this digest, by this key")
    pulled = release_build.pulled_build(project, image.reference).image
    own = image if project.dry else _of_platform(project, image, own_platform(pulled))
    contents = {name: cosign.attestations(project, key, own, kind, name) for name, (kind, _) in STATEMENTS.items()}
    facts = described.describe(project, pulled, own)
    record = None if project.dry else _record(project, facts)
    evidence = Evidence(facts, record)
    proved = [f"signed: {image.digest}"]
    purls: set[str] = set()
    for name, (_, faults_of) in STATEMENTS.items():
        for content in contents[name]:
            require_true(name, own, faults_of, content, evidence)
            purls |= sbom.purls_in(content) if name == "SBOM" else set()
        proved.append(f"{name}: {_summary(name, contents[name], facts)}")
    for content in contents["VEX"]:
        require_true("VEX", own, lambda one, _: _lies(one, purls), content, evidence)
    return Proof(image, tuple(proved), tuple(_notes(facts, record)))


def _of_platform(project: Project, image: ShippedImage, platform: str) -> ShippedImage:
    """Return the image that has the documents: a platform's, where an index names them. Raises VerifyError."""
    try:
        platforms = manifests(project.run, image.reference).platforms
    except RegistryError as error:
        raise VerifyError(
            f"{image.reference} cannot be looked up: {error}.", "", advice(str(error), image.repository)
        ) from error
    digests = [digest for name, digest in platforms.items() if f"{name}/".startswith(f"{platform}/")]
    return replace(image, digest=digests[0]) if digests else image


def _record(project: Project, facts: Described) -> Bundle | None:
    """Return what a build of the image's commit records, if its source is here. Raises BuildError."""
    try:
        revision = git.source(project.app, project.settings).revision
    except AppError:
        return None
    return bundle.record(project, facts.site) if revision and revision == facts.revision else None


def _notes(facts: Described, record: Bundle | None) -> Iterator[str]:
    if record is None:
        yield (
            f"The list of packages was not built again, because the source at {facts.revision[:12]} is not here: "
            "check out that commit and repeat this"
        )


def require_true(
    name: str, image: ShippedImage, faults_of: Callable[[Content, Evidence], Iterator[str]], content: Content,
    evidence: Evidence,
) -> None:  # fmt: skip
    """Raise VerifyError if a statement does not hold, or says it in a form that is not known."""
    try:
        faults = list(faults_of(content, evidence))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise cosign.unknown_format(image, name, f"it lacks {error}") from error
    if faults:
        raise VerifyError(
            f"The {name} of {image.reference} is not true: {faults[0]}.",
            "It is signed, so somebody with the key says something that the image does not show.",
            "Do not run this image. Push it again with --sign from its commit, or ask who has signed it",
            evidence="\n".join(faults[1:]),
        )


def _summary(name: str, contents: list[dict[str, Any]], facts: Described) -> str:
    if not contents:
        return ""
    content = contents[-1]
    if name == "SBOM":
        packages, base = sbom.purls_in(content), facts.base.packages
        return f"{len(facts.site)} files, {len(packages)} packages of npm, {len(base)} of the base"
    if name == "VEX":
        return f"{len(vex.absent_in(content))} packages of the lock file are not in it"
    if name == "provenance":
        return f"built from {facts.revision}"
    return f"{content['summary']['pass']} checks passed"


def _sbom_faults(content: Content, evidence: Evidence) -> Iterator[str]:
    """Yield what an SBOM says that is not so: of which image, of which files, packages, and those of the base."""
    facts = evidence.facts
    if (content["bomFormat"], content["specVersion"]) != ("CycloneDX", "1.6"):
        raise LookupError("CycloneDX 1.6")
    yield from _subject_faults(content, facts)
    files = sbom.files_in(content)
    yield from _differences("file of the site", files, facts.site)
    yield from (f"it has another content of {name}" for name in sorted(files) if files[name] != facts.site.get(name))
    listed = {str(one.get("purl", "")) for one in content["components"]}
    base = {package.purl for package in facts.base.packages}
    yield from _differences("package of the base", {purl for purl in listed if _is_of_base(purl)}, base)
    if evidence.bundle:
        yield from _differences("package", sbom.purls_in(content), {one.purl for one in evidence.bundle.packages})


def _vex_faults(content: Content, evidence: Evidence) -> Iterator[str]:
    yield from _subject_faults(content, evidence.facts)
    absent = vex.absent_in(content)
    if evidence.bundle:
        yield from _lies(content, {one.purl for one in (*evidence.bundle.packages, *evidence.bundle.helpers)})
        missing = {one.purl for one in evidence.bundle.absent} - absent
        yield from (f"it says nothing of {purl}" for purl in sorted(missing)[:SHOWN_NAMES])


def _lies(content: Content, present: set[str]) -> Iterator[str]:
    yield from (
        f"{purl} is in the bundle, and it says the opposite" for purl in sorted(vex.absent_in(content) & present)
    )


def _provenance_faults(content: Content, evidence: Evidence) -> Iterator[str]:
    facts = evidence.facts
    revision = provenance.revision_in(content)
    if revision != facts.revision:
        yield f"it names the commit {revision}, and the image was built from {facts.revision}"
    digest = provenance.base_digest_in(content, facts.base_name)
    if digest != facts.base_digest:
        yield f"it names {digest or 'no digest'} of {facts.base_name}, and the image was built on {facts.base_digest}"


def _verify_faults(content: Content, evidence: Evidence) -> Iterator[str]:
    """Yield what the results of `verify` lack: they are those of this image, and no check failed."""
    if content["schema"] != 1:
        raise LookupError("schema 1")
    digest = content["image"]["digest"]
    if digest != evidence.facts.image.digest:
        yield f"it is the result of {digest}"
    failed = [check["id"] for check in content["checks"] if check["verdict"] == "fail" and check["counts"]]
    if failed or not content["passed"]:
        yield f"these checks failed: {', '.join(failed)}"


def _subject_faults(content: Content, facts: Described) -> Iterator[str]:
    component = content["metadata"]["component"]
    if component["version"] != facts.image.digest:
        yield f"it is about {component['version']}"
    values = {one["name"]: one["value"] for one in component["properties"]}
    if values.get("hello-dock:revision", "") != facts.revision:
        yield f"it is about the commit {values.get('hello-dock:revision')}"


def _differences(noun: str, said: Collection[str], real: Collection[str]) -> Iterator[str]:
    """Yield the first names that only one of two lists has."""
    yield from (f"it lists a {noun} that is not there: {name}" for name in sorted({*said} - {*real})[:SHOWN_NAMES])
    yield from (f"it lacks a {noun}: {name}" for name in sorted({*real} - {*said})[:SHOWN_NAMES])


def _is_of_base(purl: str) -> bool:
    return purl.startswith(("pkg:deb/", "pkg:apk/", "pkg:generic/"))


STATEMENTS: dict[str, tuple[str, Callable[[Content, Evidence], Iterator[str]]]] = {
    "SBOM": (attest.SBOM, _sbom_faults),
    "VEX": (attest.VEX, _vex_faults),
    "provenance": (attest.PROVENANCE, _provenance_faults),
    "results of verify": (attest.VERIFY, _verify_faults),
}
"""The kind of each document, and what finds its faults."""


def shown(project: Project, reference: str, key: str) -> str:
    """Return what is proved of an image, for the terminal. Raises SettingsError or VerifyError."""
    if not reference:
        raise SettingsError(
            "--attested needs an image.",
            "A signature is one of a digest in a registry.",
            "Name it as release.json does: --image=registry.example/team/app@sha256:…",
        )
    proof = prove(project, shipped_image(reference, "--image"), Key.parse(key))
    if project.dry:
        return f"Would prove what is said of {reference}."
    return "\n".join((f"Proved: {reference}", *(f"  {text}" for text in proof.proved), *proof.notes))
